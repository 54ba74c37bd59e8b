"""Names of languages and time zones."""

import pytest

from fullhouse.kit.languages import language_tag
from fullhouse.kit.zones import is_timezone


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "de-",
        "en_US",
        "xx",
        "und",
        "mul",
        "en-ZZ",
        "en-Abcd",
        "de-CH-CH",
        "de-nonsense",
        "en-US-x-private",
        "en-u-ca-buddhist",
        "en.utf8",
        "de@euro",
        "ｄｅ",
        "de\n",
        "a" * 1_000,
    ],
)
def test_what_is_no_language(text: str) -> None:
    assert language_tag(text) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("de", "de"),
        ("EN-us", "en-US"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("SR-LATN", "sr-Latn"),
        ("es-419", "es-419"),
        ("ca-VALENCIA", "ca-valencia"),
        ("fil", "fil"),
    ],
)
def test_a_language_is_written_in_one_way(text: str, written: str) -> None:
    assert language_tag(text) == written
    assert language_tag(written) == written


def test_time_zones() -> None:
    for name in ("", "utc+1", "localtime", "Factory", "../UTC", "Asia/Atlantis", "asia/kathmandu"):
        assert not is_timezone(name), name
    for name in ("UTC", "Asia/Kathmandu", "America/Argentina/Ushuaia"):
        assert is_timezone(name), name
