"""systemd finds nothing to complain about in the units, and next to nothing that they leave open."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.install import Place

ROOT = Path(__file__).resolve().parents[2]
ANALYZE = [tool] if (tool := shutil.which("systemd-analyze")) else []
"""The tests ask the tool itself, where there is one."""
DROP_INS = sorted((ROOT / "systemd/examples").glob("*.conf"))
EXPOSURE = "15"
"""Tenths: 0 is closed, 100 is open."""


def asked(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    found = os.environ | {"SYSTEMD_COLORS": "0", **environment}
    return subprocess.run(command, env=found, capture_output=True, text=True, timeout=30, check=False)


def drop_in(place: Place, file: Path) -> None:
    folder = place.prefix / "lib/systemd/system/syncd.service.d"
    folder.mkdir()
    shutil.copy(file, folder)


def test_systemd_is_asked_wherever_it_is_installed() -> None:
    installed = [path for path in ("/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/run/systemd/system") if Path(path).exists()]

    assert ANALYZE or not installed, "systemd is here, systemd-analyze is not: the units have not been checked"


@pytest.mark.parametrize("tool", ANALYZE)
def test_the_units_of_the_machine_are_clean(tool: str, place: Place) -> None:
    units = place.prefix / "lib/systemd/system"

    found = asked(tool, "verify", units / "syncd.service", units / "syncd.socket")

    assert (found.returncode, found.stdout + found.stderr) == (0, "")


@pytest.mark.parametrize("tool", ANALYZE)
def test_the_unit_of_a_person_is_clean(tool: str, place: Place, tmp_path: Path) -> None:
    unit = place.prefix / "lib/systemd/user/syncd-user.service"

    found = asked(tool, "--user", "verify", unit, XDG_RUNTIME_DIR=str(tmp_path))

    assert (found.returncode, found.stdout + found.stderr) == (0, "")


@pytest.mark.parametrize("tool", ANALYZE)
@pytest.mark.parametrize("file", DROP_INS, ids=lambda path: path.stem)
def test_the_drop_ins_are_clean(tool: str, file: Path, place: Place) -> None:
    drop_in(place, file)

    found = asked(tool, "verify", place.prefix / "lib/systemd/system/syncd.service")

    assert (found.returncode, found.stdout + found.stderr) == (0, "")


@pytest.mark.parametrize("tool", ANALYZE)
def test_a_wrong_word_in_a_unit_is_found(tool: str, place: Place) -> None:
    unit = place.prefix / "lib/systemd/system/syncd.service"
    unit.write_text(unit.read_text().replace("[Service]", "[Service]\nNoSuchWord=yes"))

    found = asked(tool, "verify", unit)

    assert "NoSuchWord" in found.stderr


@pytest.mark.parametrize("tool", ANALYZE)
def test_the_sandbox_leaves_next_to_nothing_open(tool: str, place: Place) -> None:
    unit = place.prefix / "lib/systemd/system/syncd.service"

    found = asked(tool, "security", "--offline=true", f"--threshold={EXPOSURE}", unit)

    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("tool", ANALYZE)
def test_an_open_unit_would_be_noticed(tool: str, place: Place) -> None:
    unit = place.prefix / "lib/systemd/system/syncd.service"
    unit.write_text(unit.read_text().replace("SystemCallFilter=", "#").replace("CapabilityBoundingSet=", "#"))

    found = asked(tool, "security", "--offline=true", f"--threshold={EXPOSURE}", unit)

    assert found.returncode != 0


def test_callers_keep_their_own_faces() -> None:
    units = [path.read_text() for path in (ROOT / "systemd").rglob("*") if path.suffix in {".service", ".conf"}]

    assert not any("PrivateUsers=yes" in unit for unit in units)
