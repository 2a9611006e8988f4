"""`make install` puts each file where systemd and people look for it, and `make uninstall` takes away no more than that."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from syncd import catalogue
from syncd.settings.load import load
from tools.install import DEFAULT_PREFIX, Place, lay_out, main, remove

ROOT = Path(__file__).resolve().parents[2]
WHOLE = ["make"] if os.environ.get("SYNCD_SOAK") else []
"""Installing for real takes minutes and fetches a lot."""


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_each_file_lies_where_it_is_looked_for(tmp_path: Path) -> None:
    lay_out(Place(DEFAULT_PREFIX, tmp_path))

    assert files(tmp_path) == {
        "etc/syncd/syncd.toml",
        "usr/local/bin/syncctl",
        "usr/local/bin/syncd",
        "usr/local/lib/systemd/system/syncd.service",
        "usr/local/lib/systemd/system/syncd.socket",
        "usr/local/lib/systemd/user/syncd-user.service",
        "usr/local/lib/sysusers.d/syncd.conf",
        "usr/local/lib/tmpfiles.d/syncd.conf",
        "usr/local/share/doc/syncd/systemd.md",
        "usr/local/share/man/man1/syncctl.1",
    }


def test_units_start_the_programs_of_their_own_prefix(tmp_path: Path) -> None:
    lay_out(Place(Path("/opt/syncd"), tmp_path))

    unit = (tmp_path / "opt/syncd/lib/systemd/system/syncd.service").read_text()
    assert "ExecStart=/opt/syncd/bin/syncd --settings /etc/syncd/syncd.toml" in unit
    assert "/usr/local" not in unit


@pytest.mark.parametrize("program", ["syncd", "syncctl"])
def test_the_programs_find_their_environment_below_the_prefix(program: str, place: Place) -> None:
    done = subprocess.run([place.prefix / "bin" / program, "--help"], capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode == 0, done.stderr
    assert program in done.stdout


def test_settings_of_a_person_are_kept_by_an_upgrade_and_by_the_removal(tmp_path: Path) -> None:
    place = Place(DEFAULT_PREFIX, tmp_path)
    lay_out(place)
    settings = tmp_path / "etc/syncd/syncd.toml"
    settings.write_text("# mine\n")

    lay_out(place)
    remove(place)

    assert settings.read_text() == "# mine\n"
    assert files(tmp_path) == {"etc/syncd/syncd.toml"}


def test_removing_leaves_what_belongs_to_others(tmp_path: Path) -> None:
    place = Place(DEFAULT_PREFIX, tmp_path)
    lay_out(place)
    other = tmp_path / "usr/local/bin/other"
    other.write_text("")

    assert main(["--remove", "--destination", str(tmp_path)]) == 0

    assert files(tmp_path / "usr") == {"local/bin/other"}


def test_a_prefix_is_absolute(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--prefix", "local"])

    assert "an absolute path, such as /usr/local, not local" in capsys.readouterr().err


@pytest.mark.parametrize("file", [ROOT / "systemd/syncd.toml", ROOT / "systemd/examples/user.toml"], ids=["of the machine", "of a person"])
def test_the_settings_that_come_along_are_good(file: Path) -> None:
    settings = load(file, catalogue)

    assert [listen.socket for listen in settings.listen]


@pytest.mark.parametrize("tool", WHOLE)
@pytest.mark.timeout(900)
def test_a_whole_installation_runs_from_its_destination(tool: str, tmp_path: Path) -> None:
    whole = [tool, "install", f"DESTDIR={tmp_path}", f"PYTHON={sys.executable}", "EXTRAS=meilisearch"]
    subprocess.run(whole, cwd=ROOT, check=True, timeout=800)

    python = tmp_path / "usr/local/lib/syncd/bin/python"
    done = subprocess.run([python, "-I", tmp_path / "usr/local/bin/syncd", "--version"], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("syncd ")
    subprocess.run([tool, "uninstall", f"DESTDIR={tmp_path}"], cwd=ROOT, check=True, timeout=60)
    assert files(tmp_path) == {"etc/syncd/syncd.toml"}
