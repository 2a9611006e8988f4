"""A folder keeps the promises of a store of objects, whatever ends a writer, and whoever else writes into it."""

import asyncio
import fcntl
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import PIPE

import pytest

from syncd.connectors.folder import CONNECTOR, FolderStore, Settings
from syncd.domain.errors import TargetMismatch, TargetUnavailable
from syncd.ports.objects import GenerationChanged, ObjectStore
from tests.contracts.object_store import ObjectStoreContract, content_of, put

_WRITER = """
import asyncio, sys
from pathlib import Path
from syncd.connectors.folder import FolderStore

async def main():
    store = FolderStore(Path(sys.argv[1]))
    number = 0
    while True:
        found = await store.stat("a/object")
        number += 1
        content = b"%d:" % number + bytes([65 + number % 26]) * 300_000
        info = await store.put("a/object", content, found.generation if found else 0, f"{sys.argv[2]}-{number}", {"number": str(number)})
        print(info.generation, flush=True)

asyncio.run(main())
"""

_ENDED_AT_EACH_STEP = """
import asyncio, os, signal, sys
from pathlib import Path
from syncd.connectors.folder import FolderStore

root, store, step = sys.argv[1], FolderStore(Path(sys.argv[1])), 0

def end_at(last):
    steps = 0
    def watch(event, given):
        nonlocal steps
        if event in {"open", "os.mkdir", "os.chmod", "os.rename", "os.remove", "os.rmdir"} and str(given[0]).startswith(root):
            steps += 1
            if steps == last:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)

async def work(number):
    found = await store.stat("a/object")
    if sys.argv[2] == "put":
        await store.put("a/object", b"new %d" % number, found.generation if found else 0, f"new {number}", {"number": str(number)})
    elif sys.argv[2] == "delete" and found:
        await store.delete("a/object", found.generation)

async def tell():
    found = await store.get("a/object")
    print(*(found.info.generation, found.content.decode(), found.info.write_id) if found else "-", sep="|", flush=True)

ended = False
while not ended:
    step += 1
    if sys.argv[2] == "delete":
        asyncio.run(tell() if asyncio.run(store.stat("a/object")) else store.put("a/object", b"old", 0, "old", {}))
    if (child := os.fork()) == 0:
        end_at(step)
        asyncio.run(work(step))
        os._exit(0)
    ended = os.waitpid(child, 0)[1] == 0
    asyncio.run(tell())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "metadata"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[ObjectStore]:
    assert CONNECTOR.objects is not None
    async with CONNECTOR.objects(Settings(path=path)) as opened:
        yield opened


@pytest.fixture
def other(path: Path) -> ObjectStore:
    return FolderStore(path)


class TestFolder(ObjectStoreContract):
    pass


async def test_an_object_is_a_plain_file_that_its_group_may_read(store: ObjectStore, path: Path) -> None:
    await put(store, b"bytes", name="snapshots/1.json")

    file = path / "snapshots" / "1.json"
    assert file.read_bytes() == b"bytes"
    assert file.stat().st_mode & 0o777 == 0o640
    assert file.parent.stat().st_mode & 0o777 == 0o750
    assert file.parents[1].stat().st_mode & 0o777 == 0o750


async def test_a_file_that_somebody_edited_is_a_new_generation_until_it_changes_again(store: ObjectStore, path: Path) -> None:
    first = await put(store, b"ours")
    (path / "metadata_cache.json").write_bytes(b"hers")

    edited = await store.get("metadata_cache.json", unless=first.generation)

    assert edited is not None
    assert edited.content == b"hers"
    assert edited.info.generation > first.generation
    assert (edited.info.write_id, edited.info.labels) == ("", {})
    assert await FolderStore(path).stat("metadata_cache.json") == edited.info
    with pytest.raises(GenerationChanged):
        await put(store, b"ours again", first.generation)
    assert (await put(store, b"ours again", edited.info.generation)).generation > edited.info.generation


async def test_a_file_that_was_laid_there_is_an_object(store: ObjectStore, path: Path) -> None:
    assert await store.list("") == []
    (path / "old.json").write_bytes(b"\xef\xbb\xbf{}")

    [info] = await store.list("")

    assert (info.name, info.size) == ("old.json", 5)
    assert await store.stat("old.json") == info
    assert await content_of(store, "old.json") == b"\xef\xbb\xbf{}"


async def test_a_file_that_somebody_removed_is_gone_and_its_generations_do_not_come_again(store: ObjectStore, path: Path) -> None:
    first = await put(store, b"1")
    (path / "metadata_cache.json").unlink()

    assert await store.stat("metadata_cache.json") is None
    assert (await put(store, b"2")).generation > first.generation


async def test_damaged_bookkeeping_costs_labels_and_never_the_content(store: ObjectStore, path: Path) -> None:
    first = await put(store, b"1")
    for record in (path / ".syncd").glob("*.json"):
        record.write_bytes(b'[{"name": 3}')

    found = await store.get("metadata_cache.json")

    assert found is not None
    assert found.content == b"1"
    assert found.info.generation > first.generation


@pytest.mark.parametrize("name", [".syncd/lock", ".hidden", "a/.b", "a\0b"])
async def test_a_hidden_name_is_refused(store: ObjectStore, name: str) -> None:
    with pytest.raises(TargetMismatch, match="cannot be the name"):
        await store.stat(name)


async def test_hidden_files_and_names_that_are_no_text_are_not_listed(store: ObjectStore, path: Path) -> None:
    await put(store, b"1", name="b/c")
    (path / "b" / ".c.swp").write_bytes(b"")
    (path / os.fsdecode(b"\xff")).write_bytes(b"")

    assert [info.name for info in await store.list("")] == ["b/c"]
    assert await store.list("../") == []


@pytest.mark.parametrize("name", [pytest.param("a/b", id="a file where a folder is needed"), pytest.param("c", id="a folder in the place")])
async def test_a_name_that_stands_in_the_way_of_another_is_told(store: ObjectStore, name: str) -> None:
    await put(store, b"1", name="a")
    await put(store, b"1", name="c/d")

    with pytest.raises(TargetMismatch, match="cannot be used") as told:
        await put(store, b"2", name=name)

    assert "stand where a folder is needed" in told.value.hint


async def test_waiting_for_a_lock_that_another_process_holds_ends(path: Path) -> None:
    await put(FolderStore(path), b"1")
    with (path / ".syncd" / "lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)

        with pytest.raises(TargetUnavailable, match="locked by another process"):
            await FolderStore(path, patience=0.1).stat("metadata_cache.json")
        waiting = asyncio.create_task(FolderStore(path).stat("metadata_cache.json"))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(waiting, 5)

    assert await content_of(FolderStore(path)) == b"1"


async def test_more_than_a_thousand_objects_are_listed(store: ObjectStore, path: Path) -> None:
    (path / "many").mkdir(parents=True)
    for number in range(1_050):
        (path / "many" / f"{number:04}").write_bytes(b"x")

    infos = await store.list("many/")

    assert [info.name for info in infos] == [f"many/{number:04}" for number in range(1_050)]
    assert await store.list("many/") == infos


async def test_the_check_tells_where_and_how_much(path: Path) -> None:
    assert await CONNECTOR.check(Settings(path=path)) == f"the folder {path}, 0 objects"


async def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(TargetMismatch, match="cannot be used"):
        await CONNECTOR.check(Settings(path=tmp_path / "file" / "folder"))


async def lines_of(*given: str) -> list[list[str]]:
    """What a program of ours printed, parted at each `|`."""
    program = await asyncio.create_subprocess_exec(sys.executable, "-W", "ignore", "-c", *given, stdout=PIPE)
    out, _ = await program.communicate()
    assert program.returncode == 0
    return [line.split("|") for line in out.decode().splitlines()]


async def test_a_write_ended_at_any_step_leaves_the_old_object_or_the_new_one(path: Path) -> None:
    told = await lines_of(_ENDED_AT_EACH_STEP, str(path), "put")

    assert len(told) > 10
    content, generation = "", 0
    for step, line in enumerate(told, 1):
        if line == ["-"]:
            assert not content
            continue
        assert line[1] == line[2]
        assert line[1] in {content, f"new {step}"}
        assert int(line[0]) > generation or line[1] == content
        content, generation = line[1], int(line[0])
    assert content == f"new {len(told)}"


async def test_a_delete_ended_at_any_step_leaves_the_object_or_nothing(path: Path) -> None:
    told = await lines_of(_ENDED_AT_EACH_STEP, str(path), "delete")

    assert len(told) > 5
    assert {tuple(line[1:]) for line in told} == {(), ("old", "old")}
    assert told[-1] == ["-"]
    assert await FolderStore(path).list("") == []


@pytest.mark.parametrize("attempts", [2, *([200] if os.environ.get("SYNCD_SOAK") else [])])
@pytest.mark.timeout(600)
async def test_a_writer_killed_at_any_moment_leaves_a_whole_object_of_a_known_generation(
    store: ObjectStore, path: Path, attempts: int
) -> None:
    seen: dict[int, bytes] = {}
    for attempt in range(attempts):
        writer = await asyncio.create_subprocess_exec(sys.executable, "-c", _WRITER, str(path), str(attempt), stdout=PIPE)
        assert writer.stdout is not None
        await writer.stdout.readline()
        await asyncio.sleep(0.01 + 0.0037 * (attempt % 20))
        writer.kill()
        told = [int(line) for line in (await writer.stdout.read()).split()]
        await writer.wait()

        found = await store.get("a/object")

        assert found is not None
        number, _, rest = found.content.partition(b":")
        assert rest == bytes([65 + int(number) % 26]) * 300_000
        assert found.info.labels == {"number": number.decode()}
        assert found.info.write_id == f"{attempt}-{int(number)}"
        assert found.info.generation >= max(told, default=0)
        assert found.info.generation > max(seen, default=0)
        seen[found.info.generation] = found.content
