"""Growing delays after failures: how long to wait, and under which key failures are counted.

Nobody is locked out for good, or anybody could lock out everybody (ASVS 6.3.1, NIST SP 800-63B
§3.2.2). Counting is the store's; here are the numbers and the decisions.
"""

import hmac
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Literal
from uuid import UUID

# A counter is forgotten when nothing has been added to it for so long.
FORGOTTEN_AFTER = timedelta(hours=24)

NO_DELAY = timedelta(0)
# A home or a phone gets at least so many bits; who has one has all addresses below it.
_IPV6_NETWORK_BITS = 64


@dataclass(frozen=True, slots=True)
class Policy:
    """How the delay grows.

    Attributes:
        free: how many tries need no waiting between them.
        first_delay: from the last free try to the next one; it doubles with each further try.
        longest_delay: where that ends.
    """

    free: int
    first_delay: timedelta
    longest_delay: timedelta

    def __post_init__(self) -> None:
        if self.free < 1 or not NO_DELAY < self.first_delay <= self.longest_delay:
            raise ValueError("at least one free try, and delays that grow")

    def delay_after(self, failures: int) -> timedelta:
        """How long after the last of so many failures the next try has to wait.

        Nothing as long as fewer failed than are free; the first delay after the last free one.
        """
        if failures < self.free:
            return NO_DELAY
        # Doubling more often than this only makes a larger number to be cut off again.
        enough = (self.longest_delay // self.first_delay).bit_length()
        delay = self.first_delay * (1 << min(failures - self.free, enough))
        return min(delay, self.longest_delay)


class Guard(StrEnum):
    """What is counted."""

    ACCOUNT_AND_ADDRESS = "account_and_address"  # wrong passwords for an account from an address
    ACCOUNT = "account"  # wrong passwords for an account, from anywhere
    ADDRESS = "address"  # wrong passwords from an address, for any account
    PASSWORD = "password"  # wrong passwords of somebody who is signed in already
    PHONE_CODE = "phone_code"  # wrong codes for a phone, whichever code it was
    PHONE_SEND = "phone_send"  # codes sent to a phone
    RESET_MAIL = "reset_mail"  # links to reset the password, sent to an address
    VERIFICATION_MAIL = "verification_mail"  # links that prove the address an account has
    NEW_ADDRESS_MAIL = "new_address_mail"  # links that prove one that an account wants to have
    INVITATION_MAIL = "invitation_mail"  # invitations to an address, whoever they are from
    INVITATION_OF_ORGANIZATION = "invitation_of_organization"  # those from one organization
    INVITATION_OF_USER = "invitation_of_user"  # those that one user sends, for any organization
    SECOND_FACTOR = "second_factor"  # wrong second factors of a user


_SECONDS_30 = timedelta(seconds=30)
_MINUTES_15 = timedelta(minutes=15)
_THREE_AND_AN_HOUR = Policy(3, timedelta(seconds=60), timedelta(hours=1))

POLICIES: Mapping[Guard, Policy] = {
    Guard.ACCOUNT_AND_ADDRESS: Policy(5, _SECONDS_30, _MINUTES_15),
    # A stranger who fails on purpose can keep the owner out for a quarter of an hour at a time;
    # it takes four times as many tries as from one address.
    Guard.ACCOUNT: Policy(20, _SECONDS_30, _MINUTES_15),
    # Many people share the address of a school or of a mobile network.
    Guard.ADDRESS: Policy(50, _SECONDS_30, _MINUTES_15),
    Guard.PASSWORD: Policy(5, _SECONDS_30, _MINUTES_15),
    # Six digits are guessed with every try, so this grows faster than where passwords are.
    Guard.PHONE_CODE: Policy(5, timedelta(minutes=5), timedelta(days=1)),
    Guard.PHONE_SEND: _THREE_AND_AN_HOUR,
    # Anybody can ask for it. The wait ends before the last link does, so whoever is told to look
    # for a mail has a good one, however often strangers ask.
    Guard.RESET_MAIL: Policy(3, timedelta(seconds=60), _MINUTES_15),
    Guard.VERIFICATION_MAIL: _THREE_AND_AN_HOUR,
    Guard.NEW_ADDRESS_MAIL: _THREE_AND_AN_HOUR,
    # Wider than the two below: one stranger alone must not use up what others may send.
    Guard.INVITATION_MAIL: Policy(10, timedelta(seconds=60), timedelta(hours=1)),
    Guard.INVITATION_OF_ORGANIZATION: _THREE_AND_AN_HOUR,
    Guard.INVITATION_OF_USER: _THREE_AND_AN_HOUR,
    Guard.SECOND_FACTOR: Policy(5, _SECONDS_30, _MINUTES_15),
}


# What a mail is sent for at somebody's request; invitations have :func:`invitation_keys`.
MailPurpose = Literal[Guard.RESET_MAIL, Guard.VERIFICATION_MAIL, Guard.NEW_ADDRESS_MAIL]


@dataclass(frozen=True, slots=True)
class LoginKeys:
    """What guards a login: all of the policies have to agree.

    ``address`` is the key among them that others share; a success of one's own does not clear it.
    """

    policies: Mapping[bytes, Policy]
    address: bytes


def login_keys(secret: str, email: str, address: str) -> LoginKeys:
    """Under what a wrong password for the e-mail address, from the IP address, is counted."""
    guards = (Guard.ACCOUNT_AND_ADDRESS, Guard.ACCOUNT, Guard.ADDRESS)
    keys = keys_of(secret, guards, account=email, address=address)
    return LoginKeys(_with_policies(keys), keys[Guard.ADDRESS])


def password_keys(secret: str, user_id: UUID) -> Mapping[bytes, Policy]:
    """Under what a wrong password of somebody who is signed in is counted."""
    return _with_policies(keys_of(secret, [Guard.PASSWORD], account=str(user_id)))


def second_factor_keys(secret: str, user_id: UUID) -> Mapping[bytes, Policy]:
    """Under what a user's wrong second factor, code or recovery code, is counted."""
    return _with_policies(keys_of(secret, [Guard.SECOND_FACTOR], account=str(user_id)))


def phone_code_keys(secret: str, phone: str) -> Mapping[bytes, Policy]:
    """Under what a wrong code is counted; a new code does not begin the count anew."""
    return _with_policies(keys_of(secret, [Guard.PHONE_CODE], account=phone))


def phone_send_keys(secret: str, phone: str) -> Mapping[bytes, Policy]:
    """Under what a code sent to a phone number is counted; no success clears it."""
    return _with_policies(keys_of(secret, [Guard.PHONE_SEND], account=phone))


def mail_keys(secret: str, email: str, purpose: MailPurpose) -> Mapping[bytes, Policy]:
    """Under what a link sent to an e-mail address is counted; no success clears it.

    Each purpose by itself: what strangers can have sent to an address must not use up what its
    owner asks for.
    """
    return _with_policies(keys_of(secret, [purpose], account=email))


def invitation_keys(
    secret: str, email: str, *, organization_id: UUID, user_id: UUID
) -> Mapping[bytes, Policy]:
    """Under what an invitation to an e-mail address is counted; no success clears it.

    By who invites as well, so that a stranger's invitations do not keep another organization's
    back, and nobody sends more by having several organizations.
    """
    return {
        **_with_policies(keys_of(secret, [Guard.INVITATION_MAIL], account=email)),
        **_with_policies(
            keys_of(
                secret, [Guard.INVITATION_OF_ORGANIZATION], account=f"{organization_id} {email}"
            )
        ),
        **_with_policies(keys_of(secret, [Guard.INVITATION_OF_USER], account=f"{user_id} {email}")),
    }


def keys_of(
    secret: str, guards: Iterable[Guard], *, account: str | None = None, address: str | None = None
) -> dict[Guard, bytes]:
    """The 32 bytes under which each guard counts.

    They tell nothing: whoever reads the table cannot try e-mail addresses or phone numbers on
    it without the server's secret.

    Args:
        secret: the server's secret; the key is derived from it, for this use alone.
        guards: which keys are wanted.
        account: the e-mail address, the phone number or the user's id, as it was given.
        address: the caller's IP address; all of an IPv6 /64 count as one.

    Raises ValueError if a guard counts by something that was not given.
    """
    key = hmac.digest(secret.encode(), b"fullhouse lockout", "sha256")
    return {guard: _key_of(key, guard, account, address) for guard in guards}


def _with_policies(keys: Mapping[Guard, bytes]) -> dict[bytes, Policy]:
    return {key: POLICIES[guard] for guard, key in keys.items()}


def _key_of(key: bytes, guard: Guard, account: str | None, address: str | None) -> bytes:
    subject = [guard.value]
    if guard is not Guard.ADDRESS:
        subject.append(_plain_account(_given(account, guard)))
    if guard in (Guard.ACCOUNT_AND_ADDRESS, Guard.ADDRESS):
        subject.append(_network_of(_given(address, guard)))
    # With their lengths, so that no two subjects run together into the same text.
    text = "".join(f"{len(part)}:{part}" for part in subject)
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")


def _given(subject: str | None, guard: Guard) -> str:
    if subject is None:
        raise ValueError(f"{guard} counts by something that was not given")
    return subject


def _plain_account(account: str) -> str:
    """At least as coarse as what finds the account, or each spelling had tries of its own."""
    composed = unicodedata.normalize("NFC", account.strip()).casefold()
    return unicodedata.normalize("NFC", composed)


def _network_of(address: str) -> str:
    """The IPv4 address, or the IPv6 network; any other text as it is."""
    try:
        parsed = ip_address(address.strip())
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), _IPV6_NETWORK_BITS), strict=False))
