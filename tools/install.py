"""Puts syncd into a system, or takes it out again: `python -m tools.install [--remove]`; `make install` and `make uninstall` call it.

The programs live in an environment of their own under the prefix. A new one is complete before it takes the place of the old one. What a
person may have changed (the settings) is written once and never taken away, and neither is what syncd itself wrote (its state).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PREFIX = Path("/usr/local")
EXTRAS = "anthropic,bigquery,errors,gcs,meilisearch,oracle,tokens"
_PROGRAMS = {"syncd": "syncd.__main__", "syncctl": "syncctl.__main__"}
_SOURCES = ("pyproject.toml", "README.md", "LICENSE", "proto", "daemon", "ctl")
_FILES = {
    "systemd/syncd.service": "lib/systemd/system/syncd.service",
    "systemd/syncd.socket": "lib/systemd/system/syncd.socket",
    "systemd/syncd-user.service": "lib/systemd/user/syncd-user.service",
    "systemd/sysusers.conf": "lib/sysusers.d/syncd.conf",
    "systemd/tmpfiles.conf": "lib/tmpfiles.d/syncd.conf",
    "docs/systemd.md": "share/doc/syncd/systemd.md",
    "docs/syncctl.1": "share/man/man1/syncctl.1",
}
"""What is copied under the prefix; the units are told where that is."""
_SETTINGS = Path("/etc/syncd/syncd.toml")


class Place(NamedTuple):
    """Where an installation goes: `prefix` as the machine will see it, below the folder `destination` for now."""

    prefix: Path
    destination: Path

    @property
    def programs(self) -> Path:
        return self.prefix / "lib/syncd"

    def now(self, path: Path) -> Path:
        """Where an absolute path is for the time being."""
        return self.destination / path.relative_to("/")


def install(place: Place, python: str, extras: str) -> None:
    """Raises `subprocess.CalledProcessError` if the programs cannot be installed; the old ones are still there then."""
    programs = place.now(place.programs)
    fresh = programs.with_name("syncd.new")
    shutil.rmtree(fresh, ignore_errors=True)
    _environment(fresh, python, extras)
    shutil.rmtree(programs, ignore_errors=True)
    fresh.rename(programs)
    lay_out(place)


def lay_out(place: Place, settings: Path = _SETTINGS) -> None:
    """Write everything but the environment: what starts the programs, units, documents, and settings if there are none."""
    for name, module in _PROGRAMS.items():
        text = f"#!{place.programs}/bin/python -I\nimport sys\nfrom {module} import main\nsys.exit(main())\n"
        _write(place.now(place.prefix / "bin" / name), text, 0o755)
    for source, target in _FILES.items():
        text = (ROOT / source).read_text().replace(f"{DEFAULT_PREFIX}/", f"{place.prefix}/")
        _write(place.now(place.prefix / target), text)
    if not place.now(settings).exists():
        _write(place.now(settings), (ROOT / "systemd/syncd.toml").read_text())


def remove(place: Place) -> None:
    """Take away what `install` brought, but for the settings."""
    shutil.rmtree(place.now(place.programs), ignore_errors=True)
    for target in [*_FILES.values(), *(f"bin/{name}" for name in _PROGRAMS)]:
        place.now(place.prefix / target).unlink(missing_ok=True)
    shutil.rmtree(place.now(place.prefix / "share/doc/syncd"), ignore_errors=True)


def _environment(folder: Path, python: str, extras: str) -> None:
    """Make a virtual environment with syncd in it. Built from a copy, so that no leftovers of earlier builds come along."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    with tempfile.TemporaryDirectory() as copy:
        for name in _SOURCES:
            source = ROOT / name
            skip = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, Path(copy, name), ignore=skip) if source.is_dir() else shutil.copy(source, copy)
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(folder / "bin/python")]
        subprocess.run([*pip, "install", "--quiet", f"{copy}[{extras}]" if extras else copy], check=True)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.install", description=__doc__)
    parser.add_argument("--prefix", type=Path, default=DEFAULT_PREFIX, help="default: %(default)s")
    parser.add_argument("--destination", type=Path, default=Path("/"), help="a folder that stands for / (DESTDIR)")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that will run syncd; default: this one")
    parser.add_argument("--extras", default=EXTRAS, help="default: %(default)s")
    parser.add_argument("--remove", action="store_true")
    given = parser.parse_args(arguments)
    if not given.prefix.is_absolute():
        parser.error(f"the prefix is an absolute path, such as {DEFAULT_PREFIX}, not {given.prefix}")
    place = Place(given.prefix, given.destination.absolute())
    os.umask(0o022)
    if given.remove:
        remove(place)
        print(f"removed from {place.now(place.prefix)}; {_SETTINGS} and /var/lib/syncd are kept")
        return 0
    try:
        install(place, given.python, given.extras)
    except subprocess.CalledProcessError as error:
        print(f"not installed: {' '.join(map(str, error.cmd[:3]))} … ended with {error.returncode}", file=sys.stderr)
        return 1
    print(f"installed into {place.now(place.prefix)}; docs/systemd.md tells how to go on")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
