"""Files are watched wherever they really are: behind links, in folders that come and go, by patterns."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from syncd.runtime.lookout import Point, points
from syncd.runtime.watcher import Watcher
from tests.runtime.watching import ADA, CHANGES, Fired, watching


async def test_a_pattern_tells_of_files_that_come_and_go(home: Path, watcher: Watcher, fired: Fired) -> None:
    await watching(watcher, home / "rules" / "*.md")

    (home / "rules").mkdir()
    await fired.until(lambda: len(fired.times) == 1)
    (home / "rules" / "style.md").write_text("# Style")
    await fired.until(lambda: len(fired.times) == 2)
    (home / "rules" / "style.txt").write_text("not this one")
    await fired.nothing_more()

    assert fired.syncs == [ADA, ADA]


async def test_a_name_that_looks_like_a_pattern_is_also_a_name(home: Path, watcher: Watcher, fired: Fired) -> None:
    await watching(watcher, home / "[a].json")

    (home / "[a].json").write_text("new")
    await fired.until(lambda: bool(fired.times))

    assert fired.syncs == [ADA]


async def test_folders_that_appear_late_are_watched_from_then_on(home: Path, watcher: Watcher, fired: Fired) -> None:
    file = home / "deep" / "down" / "a.json"
    await watching(watcher, file)

    file.parent.mkdir(parents=True)
    await fired.until(lambda: bool(fired.times))
    fired.times.clear()
    file.write_text("new")
    await fired.until(lambda: bool(fired.times))

    assert watcher.health(ADA).armed == 1


async def test_a_file_written_at_once_into_a_new_folder_is_told_of_with_its_content(home: Path, watcher: Watcher, fired: Fired) -> None:
    file = home / "deep" / "down" / "a.json"
    await watching(watcher, file)
    fired.reading = file

    file.parent.mkdir(parents=True)
    file.write_text("new")
    await fired.until(lambda: bool(fired.times))

    assert fired.contents[-1] == "new"


@pytest.mark.parametrize("times", [1, 3])
async def test_a_folder_that_is_deleted_and_made_again_stays_watched(home: Path, watcher: Watcher, fired: Fired, times: int) -> None:
    file = home / "folder" / "a.json"
    file.parent.mkdir()
    await watching(watcher, file)

    for _ in range(times):
        shutil.rmtree(file.parent)
        file.parent.mkdir()
    await fired.until(lambda: bool(fired.times))
    await fired.nothing_more()
    fired.times.clear()
    file.write_text("new")
    await fired.until(lambda: bool(fired.times))

    assert fired.syncs == [ADA]


async def test_a_folder_that_was_renamed_away_and_replaced_is_watched_again_after_a_check(
    home: Path, watcher: Watcher, fired: Fired
) -> None:
    file = home / "folder" / "a.json"
    file.parent.mkdir()
    file.write_text("old")
    await watching(watcher, file)

    (home / "new").mkdir()
    (home / "new" / "a.json").write_text("new")
    file.parent.rename(home / "away")
    (home / "new").rename(file.parent)
    watcher.check()
    await fired.until(lambda: bool(fired.times))
    await fired.nothing_more()
    fired.times.clear()
    (home / "away" / "a.json").write_text("not this one")
    await fired.nothing_more()
    told_of_the_old_one = fired.syncs.copy()
    file.write_text("newer")
    await fired.until(lambda: bool(fired.times))

    assert told_of_the_old_one == []
    assert fired.syncs == [ADA]


@pytest.fixture(params=["absolute", "relative"])
def linked(request: pytest.FixtureRequest, home: Path) -> tuple[Path, Path]:
    """A link to a file in another folder, and that file."""
    link, real = home / "a.json", home / "dotfiles" / "real.json"
    real.parent.mkdir()
    real.write_text("old")
    link.symlink_to(real if request.param == "absolute" else real.relative_to(home))
    return link, real


@pytest.mark.parametrize("change", CHANGES[:4], ids=lambda change: change.__name__)
async def test_a_change_behind_a_link_is_told(
    linked: tuple[Path, Path], watcher: Watcher, fired: Fired, change: Callable[[Path], None]
) -> None:
    link, real = linked
    await watching(watcher, link)

    change(real)
    await fired.until(lambda: bool(fired.times))

    assert link.read_text().endswith("new")


async def test_a_link_that_is_replaced_by_another_is_followed(linked: tuple[Path, Path], watcher: Watcher, fired: Fired) -> None:
    link, real = linked
    other = real.with_name("other.json")
    await watching(watcher, link)

    link.unlink()
    link.symlink_to(other)
    await fired.until(lambda: bool(fired.times))
    await fired.nothing_more()
    fired.times.clear()
    real.write_text("not this one")
    await fired.nothing_more()
    told_of_the_old_one = fired.syncs.copy()
    other.write_text("new")
    await fired.until(lambda: bool(fired.times))

    assert told_of_the_old_one == []


async def test_a_change_in_a_linked_folder_is_told(home: Path, watcher: Watcher, fired: Fired) -> None:
    (home / "dotfiles").mkdir()
    (home / ".claude").symlink_to("dotfiles")
    await watching(watcher, home / ".claude" / "CLAUDE.md")

    (home / "dotfiles" / "CLAUDE.md").write_text("new")
    await fired.until(lambda: bool(fired.times))

    assert watcher.health(ADA).armed == 2


async def test_a_change_behind_a_link_that_matches_a_pattern_is_told(home: Path, watcher: Watcher, fired: Fired) -> None:
    (home / "rules").mkdir()
    (home / "real.txt").write_text("old")
    (home / "rules" / "a.md").symlink_to(home / "real.txt")
    await watching(watcher, home / "rules" / "*.md")

    (home / "real.txt").write_text("new")
    await fired.until(lambda: bool(fired.times))

    assert fired.syncs == [ADA]


def test_the_points_of_a_path_are_every_link_on_it_and_its_real_end(home: Path) -> None:
    (home / "real" / "inner").mkdir(parents=True)
    (home / "link").symlink_to("real")
    (home / "real" / "a.json").symlink_to("../real/inner/../inner/b.json")

    found = list(points(home / "link" / "a.json"))

    assert found == [Point(str(home), "link"), Point(f"{home}/real", "a.json"), Point(f"{home}/real/inner", "b.json")]


def test_the_points_of_a_missing_path_end_where_it_is_missing(home: Path) -> None:
    (home / "file").touch()

    assert list(points(home / "a" / "b" / "c.json")) == [Point(str(home), "a")]
    assert list(points(home / "file" / "c.json")) == [Point(str(home), "file")]


def test_links_that_lead_in_a_circle_have_points_and_an_end(home: Path) -> None:
    (home / "a").symlink_to("b")
    (home / "b").symlink_to("a")

    assert set(points(home / "a" / "c.json")) == {Point(str(home), "a"), Point(str(home), "b")}
