"""A bucket keeps the promises of a store of objects, through the real client, whatever the server does meanwhile."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from syncd.connectors.gcs import CONNECTOR, Settings
from syncd.connectors.gcs.settings import GOOGLE
from syncd.connectors.gcs.store import GcsStore
from syncd.domain.errors import BadCredentials, TargetMismatch, TargetUnavailable
from syncd.ports.objects import GenerationChanged, ObjectStore
from tests.contracts.object_store import ObjectStoreContract, PlainObjectStoreContract, content_of, put
from tests.servers.objectstore.objects import Object
from tests.servers.objectstore.server import ObjectServer
from tests.servers.ports import free_port

_NAME = "metadata_cache.json"
_SETTINGS_OF_THE_PLACE = ("STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "HTTP_PROXY", "http_proxy")


_EMULATOR = os.environ.get("SYNCD_GCS_EMULATOR", "")
"""A Python that has `gcp-storage-emulator`, if its opinion is wanted."""


@pytest.fixture(autouse=True)
def _nothing_from_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _SETTINGS_OF_THE_PLACE:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[ObjectServer]:
    with ObjectServer("bucket") as running:
        yield running


def opened(server: ObjectServer, seconds: float = 20, bucket: str = "bucket", prefix: str = "syncd/metadata") -> Settings:
    return Settings(bucket=bucket, prefix=prefix, endpoint=server.url, timeout=timedelta(seconds=seconds))


def store_of(settings: Settings) -> AbstractAsyncContextManager[ObjectStore]:
    assert CONNECTOR.objects is not None
    return CONNECTOR.objects(settings)


@pytest.fixture
async def store(server: ObjectServer) -> AsyncIterator[ObjectStore]:
    async with store_of(opened(server)) as each:
        yield each


@pytest.fixture
async def other(server: ObjectServer) -> AsyncIterator[ObjectStore]:
    async with store_of(opened(server)) as each:
        yield each


@pytest.fixture
async def hasty(server: ObjectServer) -> AsyncIterator[ObjectStore]:
    """A store that has half a second for each call."""
    async with store_of(opened(server, 0.5)) as each:
        yield each


@contextmanager
def emulated(bucket: str) -> Iterator[str]:
    """An emulator in a process of its own, with an empty bucket, in memory."""
    port = free_port()
    program = "from gcp_storage_emulator.__main__ import main; main()"
    given = ["start", f"--port={port}", "--host=127.0.0.1", "--in-memory", f"--default-bucket={bucket}"]
    with subprocess.Popen([_EMULATOR, "-c", program, *given], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


async def until(true: Callable[[], bool]) -> None:
    """Wait for what happens in a thread of the server."""
    while not true():  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0.001)


def threads_in_a_call() -> int:
    """Threads of which some frame is a try of ours."""
    return sum("asyncio_" in thread.name and _is_busy(thread) for thread in threading.enumerate())


def _is_busy(thread: threading.Thread) -> bool:
    frame = sys._current_frames().get(thread.ident or 0)
    while frame:
        if "google" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


class TestGcs(ObjectStoreContract):
    pass


if _EMULATOR:

    class TestGcsAtTheEmulator(PlainObjectStoreContract):
        """A second opinion on the requests of the client; the emulator ignores preconditions."""

        @pytest.fixture
        async def store(self) -> AsyncIterator[ObjectStore]:
            with emulated("bucket") as url:
                async with store_of(Settings(bucket="bucket", prefix="syncd", endpoint=url)) as each:
                    yield each


async def test_objects_stand_below_the_prefix_with_their_write_id_and_checksum(store: ObjectStore, server: ObjectServer) -> None:
    await store.put("a.json", b"{}", 0, "write-1", {"sync": "warehouse"})

    [(name, found)] = server.buckets.objects["bucket"].items()
    assert name == "syncd/metadata/a.json"
    assert found.content_type == "application/json"
    assert found.metadata == {
        "syncd-write-id": "write-1",
        "syncd-sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "syncd-label-sync": "warehouse",
    }


async def test_an_object_that_others_wrote_is_read_and_its_checksum_told_once_it_is(store: ObjectStore, server: ObjectServer) -> None:
    server.buckets.write("bucket", f"syncd/metadata/{_NAME}", Object(b"{}", 0, metadata={"x_emulator_upload": "multipart"}), {})

    info = await store.stat(_NAME)
    found = await store.get(_NAME)

    assert info is not None
    assert (info.sha256, info.write_id, info.labels) == ("", "", {})
    assert found is not None
    assert found.info.sha256 == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


async def test_a_large_object_is_written_in_several_requests_and_once(store: ObjectStore, server: ObjectServer) -> None:
    content = os.urandom(1024) * 9_000

    info = await put(store, content)

    assert await content_of(store) == content
    assert [request.split()[0] for request in server.requests if "upload" in request] == ["POST", "PUT"]
    with pytest.raises(GenerationChanged):
        await put(store, content, write_id="another")
    assert await store.stat(_NAME) == info


async def test_pages_of_a_listing_are_all_read(server: ObjectServer, store: ObjectStore) -> None:
    for number in range(2_500):
        server.buckets.write("bucket", f"syncd/metadata/many/{number:04}", Object(b"", 0), {})
    server.buckets.write("bucket", "syncd/metadata/many/", Object(b"", 0), {})
    server.buckets.write("bucket", "elsewhere/many/1", Object(b"", 0), {})

    infos = await store.list("many/")

    assert [info.name for info in infos] == [f"many/{number:04}" for number in range(2_500)]
    assert len(server.requests) == 3


@pytest.mark.parametrize("size", [pytest.param(100, id="in one request"), pytest.param(9_000_000, id="in several requests")])
async def test_a_write_whose_answer_was_lost_is_a_success(store: ObjectStore, server: ObjectServer, size: int) -> None:
    first = await put(store, b"1")
    server.lose_answer("POST /upload" if size == 100 else "PUT /upload")

    info = await put(store, b"x" * size, first.generation)

    assert info == await store.stat(_NAME)
    assert info.generation > first.generation
    assert len(await content_of(store) or b"") == size


async def test_a_write_whose_answer_was_lost_and_that_was_overwritten_is_told(store: ObjectStore, server: ObjectServer) -> None:
    server.lose_answer("POST /upload")
    writing = asyncio.create_task(put(store, b"1"))
    await until(lambda: f"syncd/metadata/{_NAME}" in server.buckets.objects["bucket"])
    server.buckets.write("bucket", f"syncd/metadata/{_NAME}", Object(b"hers", 0), {})

    with pytest.raises(GenerationChanged):
        await writing

    assert await content_of(store) == b"hers"


async def test_copies_and_deletes_whose_answers_were_lost_are_successes(store: ObjectStore, server: ObjectServer) -> None:
    first = await put(store, b"1")
    server.lose_answer("POST .*copyTo")
    server.lose_answer("DELETE")

    copy = await store.copy(_NAME, first.generation, "copy")
    await store.delete(_NAME, first.generation)

    assert [info.name for info in await store.list("")] == ["copy"]
    assert copy == await store.stat("copy")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_what_passes_by_itself_is_tried_again(store: ObjectStore, server: ObjectServer, status: int) -> None:
    first = await put(store, b"1")
    server.fail(1, "GET|POST|DELETE", status)

    assert await content_of(store) == b"1"
    server.fail(1, "POST", status)
    assert (await put(store, b"2", first.generation)).generation > first.generation


async def test_a_broken_connection_and_a_broken_content_are_tried_again(store: ObjectStore, server: ObjectServer) -> None:
    await put(store, b"0123456789")
    server.cut("GET")
    server.spoil("alt=media")
    server.say("GET", b"<html>Sign in to the hotel's network</html>")
    server.say("GET", b"{}")

    assert await content_of(store) == b"0123456789"

    assert sum("metadata_cache" in request for request in server.requests) >= 4


async def test_a_caller_in_a_hurry_waits_though_the_answer_is_403(store: ObjectStore, server: ObjectServer) -> None:
    await put(store, b"1")
    server.fail(1, "GET", 403, "rateLimitExceeded")

    assert await content_of(store) == b"1"


async def test_an_object_that_is_written_while_it_is_read_is_read_again(store: ObjectStore, server: ObjectServer) -> None:
    first = await put(store, b"1")
    server.stall("alt=media", 0.2)
    reading = asyncio.create_task(store.get(_NAME))
    await until(lambda: any(request.startswith("GET /download") for request in server.requests))
    second = await put(store, b"2", first.generation)

    found = await reading

    assert found is not None
    assert (found.content, found.info) == (b"2", second)


TROUBLES = [
    pytest.param(lambda server: server.fail(1_000, "", 503), id="always 503"),
    pytest.param(lambda server: server.cut("", 1_000), id="every connection broken"),
    pytest.param(lambda server: server.stall("", 60, 1_000), id="accepts and never answers"),
    pytest.param(lambda server: server.slow_down("", 0.1, 1_000), id="a byte now and then"),
    pytest.param(lambda server: server.drip("", 0.1, 1_000), id="headers without end"),
    pytest.param(lambda server: server.down(), id="down"),
]


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("doing", ["get", "put"])
async def test_every_call_ends_in_time_and_leaves_no_thread_behind(
    hasty: ObjectStore, server: ObjectServer, trouble: Callable[[ObjectServer], None], doing: str
) -> None:
    await put(hasty, b"1" * 100)
    trouble(server)
    began = time.monotonic()

    with pytest.raises(TargetUnavailable) as told:
        await (hasty.get(_NAME) if doing == "get" else put(hasty, b"2", name="second"))

    assert time.monotonic() - began < 1.5
    assert threads_in_a_call() == 0
    assert f"gs://bucket/syncd/metadata/{_NAME if doing == 'get' else 'second'}" in str(told.value)


async def test_a_call_that_is_cancelled_ends_at_once(store: ObjectStore, server: ObjectServer) -> None:
    server.stall("", 60, 1_000)
    reading = asyncio.create_task(store.get(_NAME))
    await until(lambda: bool(server.requests))
    began = time.monotonic()

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert time.monotonic() - began < 1
    assert threads_in_a_call() == 0


async def test_a_store_that_comes_back_within_the_time_is_used_as_if_nothing_had_been(store: ObjectStore, server: ObjectServer) -> None:
    first = await put(store, b"1")
    server.down()
    writing = asyncio.create_task(put(store, b"2", first.generation))
    await asyncio.sleep(0.3)
    assert not writing.done()

    server.up()

    assert (await writing).generation > first.generation
    assert await content_of(store) == b"2"


@pytest.mark.parametrize(
    ("pattern", "doing", "right"),
    [
        pytest.param("GET", "get", "storage.objects.get", id="reading"),
        pytest.param("POST /upload", "put", "storage.objects.create", id="writing"),
        pytest.param("GET", "list", "storage.objects.list", id="listing"),
        pytest.param("DELETE", "delete", "storage.objects.delete", id="deleting"),
        pytest.param("copyTo", "copy", "storage.objects.get, storage.objects.create", id="copying"),
    ],
)
async def test_a_missing_permission_is_named(store: ObjectStore, server: ObjectServer, pattern: str, doing: str, right: str) -> None:
    first = await put(store, b"1")
    server.fail(1, pattern, 403, "forbidden")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "get": lambda: store.get(_NAME),
        "put": lambda: put(store, b"2", first.generation),
        "list": lambda: store.list(""),
        "delete": lambda: store.delete(_NAME, first.generation),
        "copy": lambda: store.copy(_NAME, first.generation, "copy"),
    }

    with pytest.raises(TargetMismatch) as told:
        await calls[doing]()

    assert right in str(told.value)
    assert right in told.value.hint


async def test_the_permission_that_the_answer_names_is_told_and_no_account(store: ObjectStore, server: ObjectServer) -> None:
    message = "eve@example.com does not have storage.objects.delete access to the object."
    server.fail(1, "POST /upload", 403, "forbidden", message)

    with pytest.raises(TargetMismatch, match=r"not the permission storage\.objects\.delete \(403\)") as told:
        await put(store, b"1")

    assert "eve@" not in str(told.value) + told.value.hint


async def test_credentials_that_are_not_accepted_are_told(store: ObjectStore, server: ObjectServer) -> None:
    server.fail(10, "", 401, "authError")

    with pytest.raises(BadCredentials, match="not accepted"):
        await store.stat(_NAME)


CALLS: dict[str, Callable[[ObjectStore], Awaitable[object]]] = {
    "stat": lambda store: store.stat(_NAME),
    "get": lambda store: store.get(_NAME),
    "put": lambda store: put(store, b"1"),
    "list": lambda store: store.list(""),
    "copy": lambda store: store.copy(_NAME, 1, "copy"),
    "delete": lambda store: store.delete(_NAME, 1),
}


@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in CALLS.items()])
async def test_a_missing_bucket_is_told_by_every_call(server: ObjectServer, call: Callable[[ObjectStore], Awaitable[object]]) -> None:
    async with store_of(opened(server, bucket="another")) as store:
        with pytest.raises(TargetMismatch, match="no bucket another"):
            await call(store)


async def test_a_missing_bucket_is_told_by_the_check(server: ObjectServer) -> None:
    with pytest.raises(TargetMismatch, match="no bucket another"):
        await CONNECTOR.check(opened(server, bucket="another"))


async def test_the_check_tells_the_bucket_and_the_folder(server: ObjectServer) -> None:
    assert await CONNECTOR.check(opened(server)) == f"the bucket bucket, folder syncd/metadata/, at {server.url}"


async def test_permissions_that_the_account_lacks_are_asked_for(server: ObjectServer) -> None:
    server.withheld = {"storage.objects.delete"}

    async with store_of(opened(server)) as store:
        assert isinstance(store, GcsStore)
        missing = await store.missing_rights()

    assert missing == ["storage.objects.delete"]


@pytest.mark.parametrize("text", ["", "not JSON", "[]", '"text"', '{"type": "service_account", "private_key": "s3cret-s3cret"}'])
async def test_credentials_that_are_no_key_are_told_without_quoting_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "key.json").write_text(text)
    settings = Settings.model_validate({"bucket": "bucket", "credentials": {"file": str(tmp_path / "key.json")}})

    with pytest.raises(BadCredentials) as told:
        await CONNECTOR.check(settings)

    assert "s3cret" not in str(told.value) + told.value.hint
    assert told.value.__cause__ is None


def test_settings_are_tidied_and_checked() -> None:
    assert Settings(bucket="abc").prefix == ""
    assert Settings(bucket="abc", prefix="/a//b").prefix == "a/b/"
    assert Settings(bucket="abc").endpoint == GOOGLE
    assert not Settings(bucket="abc").anonymous
    assert Settings(bucket="abc", endpoint="http://127.0.0.1:1/").anonymous
    for wrong in ({"bucket": "gs://abc"}, {"endpoint": "ftp://x"}, {"endpoint": "http://u:p@x"}, {"timeout": "0s"}, {"credentials": "key"}):
        with pytest.raises(ValidationError):
            Settings.model_validate({"bucket": "abc", **wrong})


async def test_all_requests_of_one_call_share_its_time(hasty: ObjectStore, server: ObjectServer) -> None:
    await put(hasty, b"1")
    server.stall("", 0.2, 1_000)
    began = time.monotonic()

    with pytest.raises(TargetUnavailable):
        await hasty.copy("missing", 7, "copy")

    assert time.monotonic() - began < 0.9
