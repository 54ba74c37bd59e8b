"""The texts that the accounts send."""

import html.parser
import re
from datetime import timedelta

import pytest

from fullhouse.accounts import letters
from fullhouse.kit.messages import Mail

DAY = timedelta(days=1)
SITE = "https://tickets.example/"
TO = "ada@example.com"
TOKEN = "abc_DEF-123"
NUMBER = "+9779812345678"

# GSM 03.38's basic alphabet: what counts as one character of an SMS.
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


class Page(html.parser.HTMLParser):
    """What a mail program would see in the HTML: elements, links and words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[str | None] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.links += [value for name, value in attrs if name in ("href", "src", "action")]

    def handle_data(self, data: str) -> None:
        self.words += data


def page_of(mail: Mail) -> Page:
    """The HTML of the mail, read."""
    assert mail.html is not None
    return Page(mail.html)


def invitation(organization: str = "Opera", inviter: str = "Bob", token: str = TOKEN) -> Mail:
    """An invitation with these names in it."""
    return letters.invitation(
        TO,
        organization=organization,
        role="manager",
        inviter=inviter,
        token=token,
        good_for=timedelta(days=7),
        public_url=SITE,
    )


ALL = [
    letters.verify_email(TO, token=TOKEN, good_for=DAY, public_url=SITE),
    letters.reset_password(TO, token=TOKEN, good_for=timedelta(hours=1), public_url=SITE),
    letters.password_changed(TO, public_url=SITE),
    letters.email_changed(TO, new_address="eve@other.example", public_url=SITE),
    letters.second_factor_changed(TO, enabled=True, public_url=SITE),
    letters.second_factor_changed(TO, enabled=False, public_url=SITE),
    letters.phone_changed(TO, phone=NUMBER, linked=True, public_url=SITE),
    letters.phone_changed(TO, phone=NUMBER, linked=False, public_url=SITE),
    letters.google_changed(TO, linked=True, public_url=SITE),
    letters.google_changed(TO, linked=False, public_url=SITE),
    letters.recovery_codes_renewed(TO, public_url=SITE),
    letters.account_claimed(TO, public_url=SITE),
    letters.account_deleted(TO, public_url=SITE),
    invitation(),
]


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</title></p><a href='https://evil.example'>win</a>",
        "&lt;b&gt;",
    ],
)
def test_names_are_no_markup(name: str) -> None:
    plain = page_of(invitation())
    for mail in (invitation(organization=name), invitation(inviter=name)):
        page = page_of(mail)
        assert page.elements == plain.elements
        assert page.links == plain.links
        assert page.words.replace("\u2060", "").count(name) >= 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x85", "\u2028", "\x00"])
def test_names_stay_on_their_line(end: str) -> None:
    mail = invitation(organization=f"Opera{end}{end}Pay here", inviter=f"Bob{end}Sub")
    assert mail.subject == "Invitation to Opera Pay here at Fullhouse"
    assert "Bob Sub invites you to join “Opera Pay here”" in mail.text
    assert len(mail.text.split("\n\n")) == len(invitation().text.split("\n\n"))


def test_names_carry_no_links_and_turn_no_letters() -> None:
    mail = invitation(organization="Win: https://evil.example/x", inviter="a@evil.example\u202egpj")
    assert re.findall(r"https?://\S+", mail.text) == [
        f"https://tickets.example/account#invitation={TOKEN}"
    ]
    assert "evil.example" not in mail.text + mail.subject + str(mail.html)
    assert "\u202e" not in mail.text
    assert "evil.\u2060example" in mail.text


def test_long_names_are_cut_and_joined_ones_stay() -> None:
    mail = invitation(organization="x" * 5_000, inviter="क्‍ष St. Mary")
    assert len(mail.subject) < 150
    assert "x…" in mail.subject
    assert "क्‍ष St. Mary invites you" in mail.text


def test_links_carry_the_token_in_the_fragment() -> None:
    for mail, name in (
        (ALL[0], "verify-email"),
        (ALL[1], "reset-password"),
        (ALL[-1], "invitation"),
    ):
        link = f"https://tickets.example/account#{name}={TOKEN}"
        assert f"\n\n{link}\n\n" in mail.text
        assert page_of(mail).links == [link]
        # Nowhere else in an address: what is before the # reaches servers and their logs.
        assert mail.text.count(TOKEN) == 2
        rest = ', "password": "…"' if name == "reset-password" else ""
        assert f'{{"token": "{TOKEN}"{rest}}}\n' in mail.text
    hostile = invitation(token='a"><b>#&\n')
    assert page_of(hostile).links == [
        "https://tickets.example/account#invitation=a%22%3E%3Cb%3E%23%26%0A"
    ]


def test_each_says_which_call_takes_the_token() -> None:
    assert "POST /api/v1/auth/email/verify with" in ALL[0].text
    assert "POST /api/v1/auth/password/reset with" in ALL[1].text
    assert "POST /api/v1/invitations/accept with" in ALL[-1].text


@pytest.mark.parametrize("mail", ALL, ids=lambda mail: mail.subject)
def test_both_forms_say_the_same(mail: Mail) -> None:
    assert mail.to == TO
    assert mail.subject.isprintable()
    assert mail.subject
    page = page_of(mail)
    for paragraph in mail.text.strip().split("\n\n"):
        assert paragraph in page.words or paragraph in page.links, paragraph
    assert set(page.elements) <= {"html", "head", "meta", "title", "body", "p", "a"}
    # Nothing is fetched when the mail is opened.
    assert "src=" not in str(mail.html)
    assert "url(" not in str(mail.html)


def test_notices_say_what_happened() -> None:
    changed, moved, on, off = (mail.text for mail in ALL[2:6])
    assert "The password of your account was changed." in changed
    assert "https://tickets.example/account" in changed
    assert "e…@other.\u2060example" in moved
    assert "eve@" not in moved
    assert "switched on" in on
    assert "switched off" in off
    linked, unlinked, google, no_google, codes, claimed, deleted = (m.text for m in ALL[6:13])
    assert "number ending in 78 was linked" in linked
    assert "number ending in 78 was taken away" in unlinked
    assert "A Google account was linked" in google
    assert "can no longer be used with Google" in no_google
    assert "The earlier ones are good no more." in codes
    assert "every way into it that there was has been closed" in claimed
    assert "was deleted" in deleted
    for text in (linked, unlinked):
        assert "9812345" not in text
    for text in (linked, unlinked, google, no_google, codes):
        assert "reset your password at once at https://tickets.example/account" in text
    for mail in ALL[2:13]:
        assert "#" not in mail.text


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=20), "1 minute"),
        (timedelta(minutes=5), "5 minutes"),
        (timedelta(minutes=60), "1 hour"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(days=1), "24 hours"),
        (timedelta(hours=36), "36 hours"),
        (timedelta(days=7), "7 days"),
    ],
)
def test_times_are_said_as_people_say_them(span: timedelta, words: str) -> None:
    mail = letters.verify_email(TO, token=TOKEN, good_for=span, public_url=SITE)
    assert f"It is good for {words}." in mail.text


def test_sign_in_code_is_one_text_message() -> None:
    sms = letters.sign_in_code("+9779812345678", code="123456", good_for=timedelta(minutes=5))
    assert sms.to == "+9779812345678"
    assert sms.text.startswith("123456 is your Fullhouse code. It is good for 5 minutes.")
    longest = letters.sign_in_code("+1", code="12345678", good_for=timedelta(minutes=1_439))
    for text in (sms.text, longest.text):
        assert len(text) <= 160
        assert set(text) <= GSM
        assert "http" not in text
        assert "/" not in text


def test_a_message_shows_nothing_of_itself_in_logs() -> None:
    sms = letters.sign_in_code("+9779812345678", code="123456", good_for=DAY)
    shown = repr(ALL[0]) + repr(sms)
    for secret in (TOKEN, "123456", TO, "977981"):
        assert secret not in shown
    again = letters.sign_in_code("+9779812345678", code="123456", good_for=DAY)
    assert sms == again
    assert sms.id != again.id
