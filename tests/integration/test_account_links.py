"""The links of our mails, the page that they lead to, and the calls that both name."""

import json
import re
import subprocess
import sys
import zipfile
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from fullhouse.accounts import letters
from fullhouse.accounts.rules import PASSWORD_SHORTEST
from fullhouse.kit.messages import Mail

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "src" / "fullhouse" / "accounts" / "pages"
MOST_WEB_LINES = 250

DAY = timedelta(days=1)
TO = "ada@example.com"
TOKEN = "tt0k3n-of_43-characters-as-they-really-are"
SITE = "https://tickets.example"

MAILS: list[tuple[str, Mail, str]] = [
    (
        "verify-email",
        letters.verify_email(TO, token=TOKEN, good_for=DAY, public_url=SITE),
        letters.VERIFY_EMAIL_CALL,
    ),
    (
        "reset-password",
        letters.reset_password(TO, token=TOKEN, good_for=DAY, public_url=SITE),
        letters.RESET_PASSWORD_CALL,
    ),
    (
        "invitation",
        letters.invitation(
            TO,
            organization="The House",
            role="viewer",
            inviter="Grace",
            token=TOKEN,
            good_for=DAY,
            public_url=SITE,
        ),
        letters.ACCEPT_INVITATION_CALL,
    ),
]
EACH_MAIL = pytest.mark.parametrize(
    ("fragment", "mail", "call"), MAILS, ids=[name for name, _, _ in MAILS]
)


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and the text inside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style") and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def script() -> str:
    """What the page runs."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(PAGES.glob("*.js")))


def page() -> Tags:
    """What the page is made of."""
    return Tags((PAGES / "account.html").read_text(encoding="utf-8"))


async def operation(client: httpx.AsyncClient, method: str, path: str) -> dict[str, Any]:
    """The description of a call."""
    document = (await client.get("/openapi.json")).json()
    found: dict[str, Any] = document["paths"][path][method.lower()]
    if "requestBody" in found:
        schema = found["requestBody"]["content"]["application/json"]["schema"]
        found["body"] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


@EACH_MAIL
async def test_call_in_a_mail_is_a_route(
    client: httpx.AsyncClient, fragment: str, mail: Mail, call: str
) -> None:
    assert f"{call} with" in mail.text
    method, path = call.split()
    described = await operation(client, method, path)
    # The body that the mail shows is what the route asks for, whole.
    shown = json.loads(mail.text.partition(f"{call} with ")[2].partition("\n")[0])
    assert shown["token"] == TOKEN
    assert sorted(shown) == sorted(described["body"]["required"])
    # And it is what the page calls for this link.
    assert f'post("{path}", {{ token: link.token' in script()


@EACH_MAIL
async def test_link_in_a_mail_leads_to_the_page(
    client: httpx.AsyncClient, fragment: str, mail: Mail, call: str
) -> None:
    link = f"{SITE}/account#{fragment}={TOKEN}"
    assert link in mail.text
    assert f'href="{link}"' in (mail.html or "")
    assert (await client.get("/account")).status_code == 200
    views = re.search(r"const VIEWS = \{(.*)\};", script())
    assert views is not None
    view = dict(re.findall(r'"?([\w-]+)"?: "(\w+)"', views[1]))[fragment]
    assert view in [attributes.get("id") for tag, attributes in page().found if tag == "section"]


async def test_page_calls_routes_that_exist(client: httpx.AsyncClient) -> None:
    calls = re.findall(r'post\("([^"]+)"', script())
    assert len(calls) == len(set(calls)) == 8
    for path in calls:
        assert await operation(client, "post", path)


def test_every_form_has_its_step() -> None:
    forms = [attributes["data-step"] for tag, attributes in page().found if tag == "form"]
    steps = re.search(r"const STEPS = \{\n(.*?)\n\};", script(), re.DOTALL)
    assert steps is not None
    assert sorted(re.findall(r"^  (?:async )?(\w+)[(,]", steps[1], re.MULTILINE)) == sorted(
        str(form) for form in forms
    )


def test_page_asks_for_as_many_characters_as_the_server() -> None:
    lengths = [
        attributes["minlength"] for _, attributes in page().found if "minlength" in attributes
    ]
    assert lengths == [str(PASSWORD_SHORTEST)] * 2


async def test_page_may_load_nothing_but_its_own(client: httpx.AsyncClient) -> None:
    answer = await client.get("/account")
    headers = answer.headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "set-cookie" not in headers
    tags = Tags(answer.text)
    assert tags.inline == []
    for tag, attributes in tags.found:
        assert not {name for name in attributes if name == "style" or name.startswith("on")}, tag
    assert Tags("<p onclick='x()'><style>a {}</style>").inline == ["a {}"]


async def test_files_are_asked_for_each_time_and_sent_once(client: httpx.AsyncClient) -> None:
    loaded = {
        attributes.get("src") or attributes.get("href")
        for tag, attributes in page().found
        if tag in ("script", "link", "img")
    }
    loaded |= {f"/account/assets/{name}" for name in re.findall(r'from "\./([\w.]+)"', script())}
    assert {f"/account/assets/{path.name}" for path in PAGES.iterdir()} == loaded | {
        "/account/assets/account.html"
    }
    for path in ("/account", *sorted(filter(None, loaded))):
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "public, max-age=0"
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    kinds = {
        path.rpartition(".")[2]: (await client.get(path)).headers["content-type"]
        for path in filter(None, loaded)
    }
    assert kinds == {
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
    }


@pytest.mark.parametrize(
    "name", ["account.html", "absent.js", "..%2Faccount.html", "%2e%2e%2fletters.py", "x%00.js"]
)
async def test_other_files_are_not_given_out(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/account/assets/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_web_files_are_short() -> None:
    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in PAGES.iterdir()}
    assert len(lengths) == 5
    assert {name: length for name, length in lengths.items() if length > MOST_WEB_LINES} == {}


def test_installed_package_has_the_page(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for path in PAGES.iterdir():
        assert f"fullhouse/accounts/pages/{path.name}" in names
