"""`syncd --settings FILE [--check]`: arguments, settings, exit codes."""

import argparse
import asyncio
import sys
from pathlib import Path

from syncd.app import VERSION, read_settings, run
from syncd.domain.errors import SyncdError
from syncd.kit.text import counted
from syncd.observe import logging
from syncd.settings.dump import secret_problems

_DEFAULT = Path("/etc/syncd/syncd.toml")


def main() -> int:
    """Exit codes: 0 stopped as asked, 1 could not start or stopped by an error, 2 the settings are wrong."""
    parser = argparse.ArgumentParser(prog="syncd", description="Keeps derived copies in step with their source.")
    parser.add_argument("--settings", type=Path, default=_DEFAULT, metavar="FILE", help=f"settings file (default: {_DEFAULT})")
    parser.add_argument("--check", action="store_true", help="read the settings, say what is wrong with them, and end")
    parser.add_argument("--version", action="version", version=f"syncd {VERSION}")
    arguments = parser.parse_args()
    try:
        settings = read_settings(arguments.settings)
    except SyncdError as error:
        return _say(error, 2)
    if arguments.check:
        problems = secret_problems(settings)
        sys.stdout.write(
            "".join(f"{problem}\n" for problem in problems) or f"{settings.file}: {counted(len(settings.syncs), 'sync')}, no problems\n"
        )
        return 2 if problems else 0
    logging.configure(settings.daemon.log_level)
    try:
        asyncio.run(run(settings))
    except SyncdError as error:
        return _say(error, 1)
    return 0


def _say(error: SyncdError, code: int) -> int:
    hint = f"\n{error.hint}" if error.hint else ""
    sys.stderr.write(f"syncd: {error}{hint}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
