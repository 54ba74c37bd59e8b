"""What makes an acceptable account: decisions on plain values, no input or output."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

import idna

from fullhouse.accounts.common_passwords import reason_against
from fullhouse.api.errors import VALIDATION_FAILED
from fullhouse.api.permissions import ORGANIZER, MemberRole, PlatformRole
from fullhouse.kit.errors import FieldError, Refused

# Nobody becomes an administrator by asking for it.
RegistrableRole = Literal["USER", "ORGANIZER"]

OWNER: MemberRole = "owner"
MANAGER: MemberRole = "manager"

# How long the links in mails are good for. A reset link is as good as the password.
VERIFY_EMAIL_WITHIN = timedelta(days=3)
RESET_PASSWORD_WITHIN = timedelta(minutes=30)
INVITED_FOR = timedelta(days=7)
# ASVS 6.5.5: at most ten minutes.
PHONE_CODE_WITHIN = timedelta(minutes=10)
# Who signed in so long ago need not prove again that it is they.
RECENT = timedelta(minutes=10)

# NIST SP 800-63B: at least 8 and no rules of composition. The upper end only bounds the work.
PASSWORD_SHORTEST = 8
PASSWORD_LONGEST = 128
# RFC 5321 §4.5.3.1: 64 before the @, and 254 in all so that it fits a path in angle brackets.
EMAIL_LONGEST = 254
NAME_LONGEST = 200
_LOCAL_PART_LONGEST = 64

# The dot-atom of RFC 5321 §4.1.2, with letters of any script (RFC 6531); quoted local parts
# and address literals exist in the standard but not in anybody's address book.
_LOCAL_PART = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*")
# RFC 6761 §6.4: no mail ever gets there. Deleted accounts have their addresses below it, and
# nobody shall be in their way.
NOWHERE = "invalid"
_DOMAIN_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's part in one organization."""

    organization_id: UUID
    organization_name: str
    role: MemberRole


@dataclass(frozen=True, slots=True)
class Profile:
    """A user as they see themselves."""

    id: UUID
    name: str
    email: str
    phone: str | None
    role: PlatformRole
    memberships: tuple[Membership, ...] = ()
    email_verified: bool = False
    language: str | None = None  # BCP 47
    timezone: str | None = None  # IANA name
    notices: tuple[str, ...] = ("email",)
    second_factor: bool = False
    has_password: bool = False
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user who has just proved who they are, and the tokens that say so from now on."""

    profile: Profile
    session_id: UUID
    access_token: str
    expires_in: int  # seconds
    refresh_token: str
    refresh_expires_in: int  # seconds


def normalize_email(email: str) -> str:
    """The one form in which an address is kept and compared: trimmed, NFC, lower case.

    The domain is taken as mail to it goes (UTS 46): ``ｅxample.com`` is ``example.com``, and
    ``xn--bcher-kva.example`` is ``bücher.example``. The local part is the receiving server's to
    read. It is not mapped, or whoever has ``ｖic`` there would be taken for ``vic`` here; and what
    differs from other letters only in width or form (NFKC) is refused, since people and that
    server easily take one for the other.
    Raises Refused(VALIDATION_FAILED) for what cannot be an address.
    """
    # Lower case may take a text out of NFC, so the composition comes last as well.
    lowered = unicodedata.normalize("NFC", email.strip()).lower()
    normal = unicodedata.normalize("NFC", lowered)
    if len(normal) > EMAIL_LONGEST:
        raise _refuse("/email", f"must have at most {EMAIL_LONGEST} characters")
    local, _, written = normal.rpartition("@")
    domain, on_the_wire = _domain(written)
    normal = f"{local}@{domain}"
    labels = on_the_wire.split(".")
    acceptable = (
        len(local) <= _LOCAL_PART_LONGEST
        and len(normal) <= EMAIL_LONGEST
        and _LOCAL_PART.fullmatch(local) is not None
        and unicodedata.is_normalized("NFKC", local)
        and len(labels) >= 2
        and all(_DOMAIN_LABEL.fullmatch(label) for label in labels)
        # Characters that this Python does not know as letters the database might lower.
        and not any(unicodedata.category(character) in ("Cn", "Co") for character in normal)
    )
    if not acceptable:
        raise _refuse("/email", "must be an e-mail address such as ada@example.com")
    if labels[-1] == NOWHERE:
        raise _refuse("/email", f"must be an address that can get mail; none below .{NOWHERE} can")
    return normal


def _domain(written: str) -> tuple[str, str]:
    """A domain in the form for people, and in the ASCII in which mail goes there (RFC 5891).

    Raises Refused(VALIDATION_FAILED) for what no mail could be sent to.
    """
    if written.isascii() and "xn--" not in written:
        return written, written
    try:
        on_the_wire = idna.encode(written, uts46=True).decode("ascii")
        # A few scripts have no lower case but for the mapping's letters, which are not Python's.
        shown = unicodedata.normalize("NFC", idna.decode(on_the_wire).lower())
        same = idna.encode(shown, uts46=True).decode("ascii")
    except UnicodeError:  # which idna's own are
        same = on_the_wire = shown = ""
    if not on_the_wire or same != on_the_wire:
        raise _refuse("/email", "must have a domain that can exist after the @")
    return shown, on_the_wire


def deleted_email(user_id: UUID) -> str:
    """The address that an account has once it is deleted: nobody's, and no two have the same."""
    return f"deleted-{user_id}@deleted.{NOWHERE}"


def normalize_password(password: str) -> str:
    """The password in NFC, so that it is the same from every keyboard (NIST SP 800-63B)."""
    return unicodedata.normalize("NFC", password)


def check_new_password(password: str, *, email: str, name: str) -> str:
    """A password that may be set, normalized.

    Refused(VALIDATION_FAILED) by its length, or because it is among those that are tried first.
    """
    normal = check_length(password)
    if reason := reason_against(normal, email=email, name=name):
        raise _refuse("/password", reason)
    return normal


def check_length(password: str) -> str:
    """The password normalized; Refused(VALIDATION_FAILED) by its length."""
    normal = normalize_password(password)
    if not PASSWORD_SHORTEST <= len(normal) <= PASSWORD_LONGEST:
        raise _refuse(
            "/password", f"must have {PASSWORD_SHORTEST} to {PASSWORD_LONGEST} characters"
        )
    return normal


def check_name(name: str) -> str:
    """A person's or organization's name, trimmed; Refused(VALIDATION_FAILED) if nothing is left."""
    trimmed = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(trimmed) <= NAME_LONGEST:
        raise _refuse("/name", f"must have 1 to {NAME_LONGEST} characters")
    return trimmed


def organization_name_for(role: str, name: str) -> str | None:
    """The name of the organization that a new user gets; None for those who sell nothing."""
    if role != ORGANIZER:
        return None
    return f"{name}'s organization"


def _refuse(pointer: str, detail: str) -> Refused:
    return Refused(VALIDATION_FAILED, errors=(FieldError(pointer, detail),))
