"""SMS that leave: to real HTTP servers, good ones and bad ones."""

import asyncio
import base64
import traceback
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from fullhouse.adapters.sms import sms_sender
from fullhouse.adapters.sms.twilio import TwilioSmsSender
from fullhouse.adapters.sms.webhook import WebhookSmsSender, read_key, sign
from fullhouse.kit.dispatch import Dispatcher, Pace
from fullhouse.kit.messages import PermanentFailure, Sms, SmsSender, TemporaryFailure
from tests.support.certificates import Certificate, certificate_for
from tests.support.processes import free_port
from tests.support.sms_gateway import (
    ACCOUNT,
    NUMBER,
    SERVICE,
    TOKEN,
    Gateway,
    Reply,
    twilio,
    webhook_receiver,
)

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
TEXT = "123456 is your code & more: 100% +1 é"
SMS = Sms("+9779812345678", TEXT)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy this machine uses, these servers are here."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """For a server on this machine."""
    return certificate_for(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest_asyncio.fixture(params=["webhook", "twilio"])
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    """Each kind of server in turn."""
    server = twilio() if request.param == "twilio" else webhook_receiver(KEY)
    async with server as gateway:
        yield gateway


@pytest.fixture
def sender(request: pytest.FixtureRequest, gateway: Gateway) -> SmsSender:
    """The sender for the server at hand."""
    return sender_for(request.node.callspec.params["gateway"], gateway.url)


def sender_for(kind: str, url: str) -> SmsSender:
    """A sender of this kind to this address."""
    return sms_sender(
        kind,
        webhook_url=f"{url}/sms?from=fullhouse",
        webhook_secret=SECRET,
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=TOKEN,
        twilio_from=NUMBER,
        twilio_url=url,
    )


def assert_tells_nothing(error: BaseException) -> None:
    """Neither the error nor a traceback of it holds the number, the text or a secret."""
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(error.__dict__)
    for secret in ("9812345678", "123456", TEXT, TOKEN, SECRET):
        assert secret not in told


# What can go wrong with either


@pytest.mark.parametrize("kind", ["webhook", "twilio"])
async def test_nobody_listens(kind: str) -> None:
    with pytest.raises(TemporaryFailure, match=r"cannot be reached: ConnectError$") as failed:
        await sender_for(kind, f"http://127.0.0.1:{free_port()}").send(SMS)
    assert_tells_nothing(failed.value)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_answer_that_may_pass(gateway: Gateway, sender: SmsSender, status: int) -> None:
    gateway.fail(status)
    with pytest.raises(TemporaryFailure, match=f"answered {status}") as failed:
        await sender.send(SMS)
    assert failed.value.retry_after_seconds is None
    assert_tells_nothing(failed.value)
    await sender.send(SMS)
    assert len(gateway.sent) == 1


@pytest.mark.parametrize("status", [300, 400, 401, 403, 404, 410, 422])
async def test_answer_that_is_final(gateway: Gateway, sender: SmsSender, status: int) -> None:
    gateway.fail(status)
    with pytest.raises(PermanentFailure, match=f"answered {status}") as failed:
        await sender.send(SMS)
    assert_tells_nothing(failed.value)
    assert gateway.sent == []


async def test_redirects_are_not_followed(gateway: Gateway, sender: SmsSender) -> None:
    gateway.fail(307, Location=f"{gateway.url}/elsewhere")
    with pytest.raises(PermanentFailure, match="answered 307"):
        await sender.send(SMS)
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3.0), ("0", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None), ("", None)],
)
async def test_patience_that_is_asked_for(
    gateway: Gateway, sender: SmsSender, value: str, seconds: float | None
) -> None:
    gateway.fail(429, Retry_After=value)
    with pytest.raises(TemporaryFailure) as failed:
        await sender.send(SMS)
    assert failed.value.retry_after_seconds == seconds


async def test_connection_that_breaks(gateway: Gateway, sender: SmsSender) -> None:
    gateway.drop = True
    with pytest.raises(TemporaryFailure, match="cannot be reached") as failed:
        await sender.send(SMS)
    assert_tells_nothing(failed.value)


async def test_refusal_that_breaks_off(gateway: Gateway, sender: SmsSender) -> None:
    gateway.answers = [Reply(400, {"code": 1}, cut=True)]
    with pytest.raises(TemporaryFailure, match="cannot be reached"):
        await sender.send(SMS)


async def test_acceptance_that_breaks_off_is_one(gateway: Gateway, sender: SmsSender) -> None:
    """It must not be sent again."""
    gateway.answers = [Reply(201, {"sid": "SM"}, cut=True)]
    await sender.send(SMS)


async def test_endless_refusal_is_not_read_to_its_end(gateway: Gateway, sender: SmsSender) -> None:
    gateway.answers = [Reply(400, "x" * 3_000_000, {"Content-Length": "4000000000"})]
    with pytest.raises(PermanentFailure, match="answered 400"):
        await sender.send(SMS)


@pytest.mark.parametrize("kind", ["webhook", "twilio"])
async def test_server_that_falls_silent(kind: str) -> None:
    async with twilio() as gateway:
        gateway.silent = True
        impatient: SmsSender = (
            WebhookSmsSender(gateway.url, SECRET, timeout_seconds=0.2)
            if kind == "webhook"
            else TwilioSmsSender(ACCOUNT, TOKEN, NUMBER, url=gateway.url, timeout_seconds=0.2)
        )
        with pytest.raises(TemporaryFailure, match="took too long") as failed:
            await impatient.send(SMS)
        assert_tells_nothing(failed.value)


@pytest.mark.parametrize(
    "to", ["", "9812345678", "+0123", "+977 981", "whatsapp:+9779812345678", "+977981\n", "+" * 9]
)
async def test_number_that_is_none(gateway: Gateway, sender: SmsSender, to: str) -> None:
    with pytest.raises(PermanentFailure, match=r"E\.164"):
        await sender.send(Sms(to, TEXT))
    assert gateway.requests == []


async def test_busy_server_gets_it_in_the_end(gateway: Gateway, sender: SmsSender) -> None:
    gateway.fail(503, times=3)
    dispatcher = Dispatcher(pace=Pace(first_delay=0.001))
    await dispatcher.start()
    with capture_logs() as lines:
        dispatcher.soon(lambda: sender.send(SMS), "sms.sign_in_code")
        async with asyncio.timeout(60):
            while dispatcher.pending:
                await asyncio.sleep(0.005)
    await dispatcher.stop(60)
    assert len(gateway.sent) == 1
    assert [line["event"] for line in lines] == ["dispatch_put_off"] * 3
    assert "981234" not in repr(lines)
    assert "123456" not in repr(lines)


@pytest.mark.parametrize("kind", ["webhook", "twilio"])
async def test_certificates_are_checked(certificate: Certificate, kind: str) -> None:
    server = (
        twilio(certificate.server)
        if kind == "twilio"
        else webhook_receiver(KEY, certificate.server)
    )
    async with server as gateway:
        assert gateway.url.startswith("https://")
        with pytest.raises(TemporaryFailure, match="cannot be reached"):
            await sender_for(kind, gateway.url).send(SMS)
        assert gateway.requests == []
        trusting: SmsSender = (
            TwilioSmsSender(ACCOUNT, TOKEN, NUMBER, url=gateway.url, tls=certificate.client)
            if kind == "twilio"
            else WebhookSmsSender(gateway.url, SECRET, tls=certificate.client)
        )
        await trusting.send(SMS)
        assert len(gateway.sent) == 1


# The webhook


async def test_webhook_is_signed_and_repeats_its_id() -> None:
    async with webhook_receiver(KEY) as gateway:
        sender = sender_for("webhook", gateway.url)
        await sender.send(SMS)
        await sender.send(SMS)
        first, second = gateway.requests
        assert first.path == "/sms?from=fullhouse"
        assert first.headers["webhook-id"] == second.headers["webhook-id"] == SMS.id
        # The receiver knew the repetition for one.
        assert gateway.sent == [{"to": SMS.to, "text": TEXT, "id": SMS.id}]
        await sender.send(Sms(SMS.to, TEXT))
        assert len(gateway.sent) == 2


async def test_webhook_signs_with_its_own_key() -> None:
    async with webhook_receiver(b"another key, and long enough") as gateway:
        with pytest.raises(PermanentFailure, match="answered 401"):
            await sender_for("webhook", gateway.url).send(SMS)
    async with webhook_receiver(b"any text of 24 bytes or more") as gateway:
        await WebhookSmsSender(gateway.url, "any text of 24 bytes or more").send(SMS)
        assert len(gateway.sent) == 1


def test_signature_is_that_of_the_standard() -> None:
    """The example of the standard's own libraries."""
    key = read_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_webhook_tells_the_time() -> None:
    async with webhook_receiver(KEY) as gateway:
        await WebhookSmsSender(gateway.url, SECRET, now=lambda: 1614265330.9).send(SMS)
        assert gateway.requests[0].headers["webhook-timestamp"] == "1614265330"
        assert len(gateway.sent) == 1


# Twilio


async def test_twilio_gets_number_or_service() -> None:
    async with twilio() as gateway:
        await sender_for("twilio", gateway.url + "/").send(SMS)
        service = TwilioSmsSender(ACCOUNT, TOKEN, SERVICE, url=gateway.url)
        await service.send(SMS)
        assert gateway.sent == [
            {"To": SMS.to, "From": NUMBER, "Body": TEXT},
            {"To": SMS.to, "MessagingServiceSid": SERVICE, "Body": TEXT},
        ]


async def test_twilio_refuses_and_its_words_stay_there() -> None:
    async with twilio() as gateway:
        sender = sender_for("twilio", gateway.url)
        for sms, code in ((Sms("+123456", TEXT), 21211), (Sms(SMS.to, TEXT * 100), 21617)):
            with pytest.raises(PermanentFailure) as failed:
                await sender.send(sms)
            assert str(failed.value) == f"Twilio answered 400, error {code}"
            assert_tells_nothing(failed.value)


async def test_twilio_with_a_wrong_token() -> None:
    async with twilio() as gateway:
        wrong = TwilioSmsSender(ACCOUNT, "wrong", NUMBER, url=gateway.url)
        with pytest.raises(PermanentFailure, match="answered 401, error 20003"):
            await wrong.send(SMS)


@pytest.mark.parametrize("body", [None, "no object", {"code": "text"}, {"code": None}, [1]])
async def test_twilio_with_an_error_of_another_form(body: object) -> None:
    async with twilio() as gateway:
        gateway.answers = [Reply(400, body)]
        with pytest.raises(PermanentFailure, match=r"^Twilio answered 400$"):
            await sender_for("twilio", gateway.url).send(SMS)


# What is configured

GOOD = {
    "webhook_url": "https://sms.example/send",
    "webhook_secret": SECRET,
    "twilio_account_sid": ACCOUNT,
    "twilio_auth_token": TOKEN,
    "twilio_from": NUMBER,
    "twilio_url": "https://api.twilio.com",
}


@pytest.mark.parametrize(
    ("adapter", "name", "value", "message"),
    [
        ("webhook", "webhook_url", None, "sms_adapter=webhook needs sms_webhook_url"),
        ("webhook", "webhook_secret", None, "sms_adapter=webhook needs sms_webhook_secret"),
        ("webhook", "webhook_secret", "", "sms_adapter=webhook needs sms_webhook_secret"),
        ("webhook", "webhook_secret", "whsec_%%%%", "sms_webhook_secret has no base64"),
        ("webhook", "webhook_secret", "whsec_aaaa", "sms_webhook_secret must have at least 24"),
        ("webhook", "webhook_secret", "short text", "sms_webhook_secret must have at least 24"),
        ("webhook", "webhook_url", "http://sms.example/", "must start with https"),
        ("webhook", "webhook_url", "http://127.0.0.1.evil.example/", "must start with https"),
        ("webhook", "webhook_url", "ftp://sms.example/", "must start with https"),
        ("webhook", "webhook_url", "sms.example", "must name a host"),
        ("webhook", "webhook_url", "https://", "must name a host"),
        ("webhook", "webhook_url", "https://u:SECRET@sms.example\n/", "sms_webhook_url"),
        ("webhook", "webhook_url", "https://u:SECRET@sms.example:port/", "is no URL"),
        ("webhook", "webhook_url", "https://u:SECRET@[sms.example/", "is no URL"),
        ("twilio", "twilio_account_sid", None, "sms_adapter=twilio needs twilio_account_sid"),
        ("twilio", "twilio_auth_token", None, "sms_adapter=twilio needs twilio_auth_token"),
        ("twilio", "twilio_from", None, "sms_adapter=twilio needs twilio_from"),
        ("twilio", "twilio_account_sid", "AC1/../x", "twilio_account_sid must be AC and 32"),
        ("twilio", "twilio_from", "015005550006", "twilio_from must be a number"),
        ("twilio", "twilio_from", "MG123", "twilio_from must be a number"),
        ("twilio", "twilio_url", "http://api.twilio.com", "twilio_url must start with https"),
        ("carrier pigeon", "twilio_url", "", "sms_adapter must be log, webhook or twilio"),
    ],
)
def test_setting_that_is_missing_or_wrong(
    adapter: str, name: str, value: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        sms_sender(adapter, **(GOOD | {name: value}))  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)
    assert "SECRET" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("adapter", ["log", "webhook", "twilio"])
def test_settings_that_are_right(adapter: str) -> None:
    assert sms_sender(adapter, **GOOD) is not None  # type: ignore[arg-type]


async def test_log_gets_it_whole() -> None:
    with capture_logs() as lines:
        await sms_sender("log").send(SMS)
    assert lines == [{"event": "sms", "to": SMS.to, "text": TEXT, "log_level": "info"}]
