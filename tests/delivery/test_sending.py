"""One request: signatures that others verify, and receivers that answer too late, too much or not at all."""

import asyncio
import base64
import ssl
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from delivery.receiving import Got, Receiver, World, run
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from standardwebhooks import Webhook, WebhookVerificationError

from rosterd.delivery.sender import KEPT_REPLY, MAX_REPLY
from rosterd.delivery.signing import Vault
from rosterd.scim import errors
from rosterd.service.audit import MASK
from rosterd.service.webhook_admin import MAX_SECRETS
from rosterd.service.webhooks import Outcome
from rosterd.testing.scenario import BY
from rosterd.wiring.spans import Tracer


async def outcome(world: World, url: str) -> Outcome:
    made, _ = await world.webhook(url)
    return (await world.admin.test(made, by=BY)).attempt.outcome


def signed(got: Got) -> bytes:
    return f"{got.id}.{got.headers['webhook-timestamp']}.".encode() + got.body


def test_v1_is_verified_by_the_library_and_a_changed_body_is_not(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        world.clock.now = int(time.time() * 1000)  # the library compares with the real time
        made, secret = await world.webhook(hook.url, label="ü")
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
        await world.admin.test(made, by=BY)
        got = hook.got[0]
        assert Webhook(secret).verify(got.body, dict(got.headers)) == got.json
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(got.body + b" ", dict(got.headers))

    run(tmp_path, test)


def test_v1a_is_verified_with_the_public_key(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        made, shown = await world.webhook(hook.url, scheme="v1a")
        assert shown.startswith("whpk_")
        assert made.secrets[0].public == shown
        await world.admin.test(made, by=BY)
        got = hook.got[0]
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(shown.removeprefix("whpk_")))
        version, _, signature = got.headers["webhook-signature"].partition(",")
        assert version == "v1a"
        key.verify(base64.b64decode(signature), signed(got))
        with pytest.raises(InvalidSignature):
            key.verify(base64.b64decode(signature), signed(got) + b" ")

    run(tmp_path, test)


def test_while_a_secret_takes_the_place_of_another_both_sign(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        made, old = await world.webhook(hook.url)
        made, new = await world.admin.rotate(made, overlap=60, by=BY)
        made, public = await world.admin.rotate(made, overlap=60, scheme="v1a", by=BY)
        await world.admin.test(made, by=BY)
        got = hook.got[-1]
        signatures = got.headers["webhook-signature"].split(" ")
        assert [each.partition(",")[0] for each in signatures] == ["v1a", "v1", "v1"]
        at = datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), UTC)
        for secret in (old, new):
            assert Webhook(secret).sign(got.id, at, got.body.decode()) in signatures
        world.clock.advance(seconds=60)
        await world.admin.test(made, by=BY)
        assert [s[:4] for s in hook.got[-1].headers["webhook-signature"].split(" ")] == ["v1a,"]
        assert made.secrets[0].public == public

    run(tmp_path, test)


def test_no_more_than_five_secrets_are_in_use(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        made, _ = await world.webhook(hook.url)
        for _ in range(MAX_SECRETS - 1):
            world.clock.advance(ms=1)
            made, _ = await world.admin.rotate(made, by=BY)
        with pytest.raises(errors.Conflict):
            await world.admin.rotate(made, by=BY)

    run(tmp_path, test)


def test_secrets_are_kept_encrypted_and_of_use_to_their_endpoint_only(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        made, secret = await world.webhook(hook.url)
        other, _ = await world.webhook(hook.url)
        raw = base64.b64decode(secret.removeprefix("whsec_"))
        kept = b"".join(file.read_bytes() for file in world.path.glob("rosterd.db*"))
        assert raw not in kept
        assert secret.encode() not in kept
        assert raw not in made.secrets[0].sealed
        vault = Vault(await world.store.secret("webhooks"), bytes)
        with pytest.raises(LookupError):
            vault._open(other.id, made.secrets[0])
        with pytest.raises(LookupError):
            Vault(bytes(32), bytes)._open(made.id, made.secrets[0])

    run(tmp_path, test)


def test_of_a_long_reply_the_beginning_is_kept(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        async def long(got: Got) -> web.Response:
            headers = {"Set-Cookie": "a=b", "X-Long": "x" * 1000}
            return web.Response(body=b"y" * (100 * MAX_REPLY), headers=headers)

        hook.answer = long
        found = await outcome(world, hook.url)
        assert found.accepted
        assert found.body == "y" * KEPT_REPLY
        assert found.reply["set-cookie"] == MASK
        assert len(found.reply["x-long"]) == 256

    run(tmp_path, test)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def dribbling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
    await reader.read()


async def hanging_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()


async def talking_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH\r\n")
    await writer.drain()
    await reader.read()


async def shouting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 100_000 + b"\r\n\r\n")
    await writer.drain()
    await reader.read()


async def breaking_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
    await writer.drain()


@pytest.mark.parametrize(
    ("talk", "status", "told"),
    [
        (silent, None, "did not answer in time"),
        (dribbling, 200, "did not end within"),
        (hanging_up, None, "No answer came"),
        (talking_nonsense, None, "No answer came"),
        (shouting, None, "No answer came"),
        (breaking_off, 200, "No answer came"),
    ],
)
def test_whatever_a_receiver_does_is_an_outcome(
    tmp_path: Path, talk: Talk, status: int | None, told: str
) -> None:
    async def test(world: World, hook: Receiver) -> None:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await talk(reader, writer)
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            found = await outcome(world, f"http://127.0.0.1:{port}/")
            await world.sender.close()
        assert (found.status, found.accepted) == (status, False)
        assert told in found.error

    run(tmp_path, test, total=0.5)


def vouched_for_by_nobody(folder: Path) -> ssl.SSLContext:
    """TLS for 127.0.0.1 with a certificate that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]), datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, SHA256())
    )
    place = folder / "receiver.pem"
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    place.write_bytes(written + made.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place)
    return context


def test_a_receiver_for_whom_nobody_vouches_is_told_nothing(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        heard: list[bytes] = []

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.read(1))
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            writer.close()

        context = vouched_for_by_nobody(tmp_path)
        async with await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context) as server:
            found = await outcome(world, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
            await world.sender.close()
        assert (found.status, found.accepted, b"".join(heard)) == (None, False, b"")
        assert "certificate" in found.error

    run(tmp_path, test)


def test_nobody_there_is_told_in_plain_words(tmp_path: Path) -> None:
    async def test(world: World, hook: Receiver) -> None:
        found = await outcome(world, "http://127.0.0.1:1/")
        assert found.error.startswith("No answer came: ")
        assert "127.0.0.1" in found.error

    run(tmp_path, test)


def test_the_span_of_a_delivery_that_is_broken_off_ends(tmp_path: Path) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    async def test(world: World, hook: Receiver) -> None:
        async def never(got: Got) -> int:
            await asyncio.sleep(60)
            return 200

        hook.answer = never
        made, _ = await world.webhook(hook.url)
        sending = asyncio.create_task(world.admin.test(made, by=BY))
        await hook.until(1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        (span,) = exporter.get_finished_spans()
        assert span.attributes is not None
        assert span.attributes["error.type"] == "broken off"
        assert not span.status.is_ok

    run(tmp_path, test, spans=Tracer(provider, exporter, "0"))


@pytest.mark.parametrize(
    "options",
    [
        {"scheme": "v2"},
        {"types": "user.gone"},
        {"max_events": 0},
        {"max_events": 501},
        {"max_wait": 3601},
        {"label": "x" * 201},
        {"url": "https://a.example/" + "x" * 2000},
    ],
)
def test_an_endpoint_that_cannot_be_is_refused(tmp_path: Path, options: dict[str, object]) -> None:
    async def test(world: World, hook: Receiver) -> None:
        with pytest.raises(errors.InvalidValue):
            await world.webhook(**{"url": hook.url, **options})  # type: ignore[arg-type]
        assert await world.store.webhook_page(None, "", 9) == ()

    run(tmp_path, test)
