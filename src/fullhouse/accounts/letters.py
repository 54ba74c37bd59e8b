"""The messages that the accounts send: every text of them, in English.

What others chose (names of people and organizations) is made harmless before it enters a text: a
mail of ours must not carry a stranger's link or look as if somebody else had written it.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from urllib.parse import quote

from fullhouse.kit.messages import Mail, Sms

PRODUCT = "Fullhouse"

# What takes the token that a link carries, for people who build their own page.
VERIFY_EMAIL_CALL = "POST /api/v1/auth/email/verify"
RESET_PASSWORD_CALL = "POST /api/v1/auth/password/reset"
ACCEPT_INVITATION_CALL = "POST /api/v1/invitations/accept"

_NAME_LONGEST = 100
# Marks that hide or turn letters. Joiners stay: Devanagari and Arabic are written with them.
_HARMLESS_FORMAT = ("\u200c", "\u200d")
_WORD_JOINER = "\u2060"

_FOOTER = f"This mail was sent by {PRODUCT}. Answers to it are not read."


@dataclass(frozen=True, slots=True)
class _Step:
    """What the reader is asked to do: open a link, or have a program make a call."""

    label: str
    url: str
    call: str
    body: str


def verify_email(to: str, *, token: str, good_for: timedelta, public_url: str) -> Mail:
    """Ask whoever reads this address to confirm that it is theirs.

    It holds nothing that the person who registered chose: the address may be a stranger's.
    """
    return _mail(
        to,
        f"Confirm your mail address for {PRODUCT}",
        [
            f"Somebody, hopefully you, gave this address to {PRODUCT}.",
            f"Open the link to confirm that it is yours. It is good for {_span(good_for)}.",
        ],
        _step(public_url, "Confirm the address", "verify-email", token, VERIFY_EMAIL_CALL),
        ["If it was not you, do nothing, and nothing will happen."],
    )


def reset_password(to: str, *, token: str, good_for: timedelta, public_url: str) -> Mail:
    """Give the owner of an account the link that lets them choose a new password."""
    return _mail(
        to,
        f"Choose a new password for {PRODUCT}",
        [
            "Somebody, hopefully you, asked to reset the password of your account.",
            "Open the link to choose a new one. It works once, and it is good for "
            f"{_span(good_for)}.",
        ],
        _step(
            public_url,
            "Choose a new password",
            "reset-password",
            token,
            RESET_PASSWORD_CALL,
            password="…",
        ),
        ["If it was not you, do nothing: your password stays as it is."],
    )


def password_changed(to: str, *, public_url: str) -> Mail:
    """Tell the owner of an account that its password is a new one."""
    return _mail(
        to,
        f"Your password for {PRODUCT} was changed",
        [
            "The password of your account was changed.",
            f"If it was not you, reset it at once at {_account(public_url)} with "
            "“Forgot password”: that also ends all sessions, on every device.",
        ],
    )


def email_changed(to: str, *, new_address: str, public_url: str) -> Mail:
    """Tell the old address of an account that another one has taken its place.

    The new one is shown in part: enough for its owner to know it, too little for anybody else.
    """
    return _mail(
        to,
        f"Your sign-in address for {PRODUCT} was changed",
        [
            f"Your account now belongs to the address {_shortened(new_address)}, and this one is "
            "no longer used for it.",
            "If it was not you, somebody else has your account. Ask the people who run "
            f"{_address(public_url)} for help at once.",
        ],
    )


def invitation(
    to: str,
    *,
    organization: str,
    role: str,
    inviter: str,
    token: str,
    good_for: timedelta,
    public_url: str,
) -> Mail:
    """Invite somebody into an organization."""
    name = _harmless(organization)
    return _mail(
        to,
        f"Invitation to {name} at {PRODUCT}",
        [
            f"{_harmless(inviter)} invites you to join “{name}” at {PRODUCT} as {_harmless(role)}.",
            f"Open the link to accept. It is good for {_span(good_for)}.",
        ],
        _step(public_url, "Accept the invitation", "invitation", token, ACCEPT_INVITATION_CALL),
        ["If you do not know them, do nothing."],
    )


def second_factor_changed(to: str, *, enabled: bool, public_url: str) -> Mail:
    """Tell the owner of an account that its second factor was switched on or off."""
    state = "on" if enabled else "off"
    consequence = (
        "Signing in now takes a code besides the password."
        if enabled
        else "Signing in now takes the password alone."
    )
    return _mail(
        to,
        f"The second factor of your account at {PRODUCT} was switched {state}",
        [
            f"The second factor of your account was switched {state}. {consequence}",
            f"If it was not you, reset your password at once at {_account(public_url)} with "
            "“Forgot password”, and ask the people who run this server for help.",
        ],
    )


def phone_changed(to: str, *, phone: str, linked: bool, public_url: str) -> Mail:
    """Tell the owner of an account that a number was linked to it, or is so no longer."""
    known = f"ending in {phone[-2:]}"
    if linked:
        what = f"A phone number {known} was linked to your account: codes sent there let in."
    else:
        what = f"The phone number {known} was taken away from your account."
    state = "added" if linked else "removed"
    return _notice(to, f"A phone number was {state} at {PRODUCT}", what, public_url)


def google_changed(to: str, *, linked: bool, public_url: str) -> Mail:
    """Tell the owner of an account that signing in with Google works for it, or no longer."""
    if linked:
        what = "A Google account was linked to yours: whoever has it can sign in with it."
    else:
        what = "Your account can no longer be used with Google; the link was taken away."
    state = "added" if linked else "removed"
    return _notice(to, f"Signing in with Google was {state} at {PRODUCT}", what, public_url)


def recovery_codes_renewed(to: str, *, public_url: str) -> Mail:
    """Tell the owner of an account that there are new codes in the place of the old ones."""
    return _notice(
        to,
        f"Your recovery codes for {PRODUCT} were renewed",
        "New recovery codes were made for your account. The earlier ones are good no more.",
        public_url,
    )


def account_claimed(to: str, *, public_url: str) -> Mail:
    """Tell whoever has proved an address what became of the account that somebody had with it."""
    return _mail(
        to,
        f"Your account at {PRODUCT} is yours alone now",
        [
            "An account with this address was there before it was known to be yours. As anybody "
            "could have made it, every way into it that there was has been closed: the password, "
            "linked phones and accounts, API keys, and the members of its organizations.",
            f"If it was you who made it, choose a password at {_account(public_url)} with “Forgot "
            "password” unless you just did, then link again what you need, and invite the members "
            "anew.",
        ],
    )


def account_deleted(to: str, *, public_url: str) -> Mail:
    """Tell whoever had an account that it is gone."""
    return _mail(
        to,
        f"Your account at {PRODUCT} was deleted",
        [
            f"The account with this address at {_address(public_url)} was deleted, with what it "
            "said about you. Organizers keep on record what was bought, without your name.",
            "If it was not you, ask the people who run this server for help at once.",
        ],
    )


def sign_in_code(to: str, *, code: str, good_for: timedelta) -> Sms:
    """The one-time code for signing in: one SMS of at most 160 characters of GSM 03.38.

    It names no link, so that a text message with one can be known as somebody else's.
    """
    return Sms(
        to,
        f"{code} is your {PRODUCT} code. It is good for {_span(good_for)}. "
        "Never tell it to anybody, not even to us.",
    )


def _notice(to: str, subject: str, what: str, public_url: str) -> Mail:
    """Tell of a change to the ways into an account, and what to do about it."""
    return _mail(
        to,
        subject,
        [
            what,
            f"If it was not you, reset your password at once at {_account(public_url)} with "
            "“Forgot password”, which also ends all sessions, on every device.",
        ],
    )


def _step(public_url: str, label: str, name: str, token: str, call: str, **fields: str) -> _Step:
    """The link with the token, and the call that takes it with further fields, if any."""
    # In the fragment, which browsers send to no server: the token is in nobody's access log.
    url = f"{_account(public_url)}#{name}={quote(token, safe='')}"
    return _Step(label, url, call, json.dumps({"token": token, **fields}, ensure_ascii=False))


def _mail(
    to: str,
    subject: str,
    opening: Sequence[str],
    step: _Step | None = None,
    closing: Sequence[str] = (),
) -> Mail:
    """The same paragraphs as plain text and as HTML."""
    link = [step.url] if step else []
    call = [f"For programs: {step.call} with {step.body}"] if step else []
    text = "\n\n".join([*opening, *link, *closing, *call, _FOOTER]) + "\n"
    return Mail(to, subject, text, _layout(subject, opening, step, [*closing, *call, _FOOTER]))


def _layout(
    subject: str, opening: Sequence[str], step: _Step | None, closing: Sequence[str]
) -> str:
    """A page that every mail program can show; all that is put into it is escaped."""
    button = (
        f'<p><a href="{escape(step.url)}" style="display:inline-block;padding:12px 20px;'
        'background:#1d3557;color:#ffffff;text-decoration:none;border-radius:6px">'
        f"{escape(step.label)}</a></p>\n"
        if step
        else ""
    )
    first = "".join(f"<p>{escape(paragraph)}</p>\n" for paragraph in opening)
    last = "".join(
        f'<p style="color:#555555;font-size:14px">{escape(paragraph)}</p>\n'
        for paragraph in closing
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{escape(subject)}</title></head>\n"
        '<body style="font-family:sans-serif;font-size:16px;line-height:1.5;color:#111111;'
        'max-width:560px;margin:24px auto;padding:0 16px">\n'
        f"{first}{button}{last}</body>\n</html>\n"
    )


def _address(public_url: str) -> str:
    return public_url.rstrip("/")


def _account(public_url: str) -> str:
    return f"{_address(public_url)}/account"


def _harmless(name: str) -> str:
    """A name as one short line in which no program finds a link."""
    visible = "".join(_visible(character) for character in name)
    line = " ".join(visible.split())
    if len(line) > _NAME_LONGEST:
        line = line[: _NAME_LONGEST - 1].rstrip() + "…"
    # Unseen, it parts what programs would take for an address: evil.example, https://, a@b.
    return re.sub(r"([.:/@])(?=\S)", rf"\1{_WORD_JOINER}", line)


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":
        return character if character in _HARMLESS_FORMAT else ""
    return " " if category[0] in "CZ" else character


def _shortened(address: str) -> str:
    """The first letter and the domain of a mail address."""
    local_part, _, domain = address.rpartition("@")
    return f"{local_part[:1]}…@{_harmless(domain)}"


def _span(span: timedelta) -> str:
    """A time in the largest unit without a rest, but a day in hours: 7 days, 24 hours."""
    minutes = max(1, round(span.total_seconds() / 60))
    if minutes > 1_440 and minutes % 1_440 == 0:
        count, unit = minutes // 1_440, "day"
    elif minutes % 60 == 0:
        count, unit = minutes // 60, "hour"
    else:
        count, unit = minutes, "minute"
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
