"""What an engine keeps by means of its context."""

import stat
from pathlib import Path

from syncd.domain.batch import Checkpoint
from syncd.ports.running import Advance, Report, RunContext
from tests.runtime.world import Play, opened, sync


async def test_documents_of_one_run_are_there_in_the_next_one_of_the_same_sync_alone(tmp_path: Path) -> None:
    found: list[str | None] = []

    async def work(context: RunContext) -> Report:
        found.append(await context.documents.get("state/base"))
        await context.advance(Advance(Checkpoint("{}"), documents={"state/base": context.run.sync}))
        return Report()

    async with opened(tmp_path, Play({"a": work, "b": work}), sync("a") + sync("b")) as world:
        for name in ("a", "a", "b"):
            await world.ended(await world.begin(name))

    assert found == [None, "a", None]


async def test_the_folder_of_a_sync_is_private_and_stays_from_run_to_run(tmp_path: Path) -> None:
    async def work(context: RunContext) -> Report:
        with (context.folder / "journal").open("a") as journal:
            journal.write("line\n")
        return Report()

    async with opened(tmp_path, Play({"a": work}), sync("a")) as world:
        for _ in range(2):
            await world.ended(await world.begin("a"))

    folder = tmp_path / "state" / "syncs" / "a"
    assert (folder / "journal").read_text() == "line\n" * 2
    assert [oct(stat.S_IMODE(level.stat().st_mode)) for level in (folder, folder.parent)] == ["0o700", "0o700"]


async def test_a_sync_that_keeps_no_files_has_no_folder(tmp_path: Path) -> None:
    async with opened(tmp_path, Play(), sync("a")) as world:
        await world.ended(await world.begin("a"))

    assert not (tmp_path / "state" / "syncs").exists()
