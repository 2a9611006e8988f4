"""What tests of the units share."""

import sys
from pathlib import Path

import pytest

from tools.install import Place, lay_out


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An installation below a prefix of its own, whose programs run in the environment of the tests."""
    place = Place(tmp_path / "prefix", Path("/"))
    lay_out(place, settings=tmp_path / "syncd.toml")
    place.programs.joinpath("bin").mkdir(parents=True)
    place.programs.joinpath("bin/python").symlink_to(sys.executable)
    place.programs.joinpath("pyvenv.cfg").write_text((Path(sys.prefix) / "pyvenv.cfg").read_text())
    place.programs.joinpath("lib").symlink_to(Path(sys.prefix) / "lib")
    return place
