from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from syncd.runtime.watcher import Watcher
from tests.runtime.watching import Fired


@pytest.fixture
def fired() -> Fired:
    return Fired()


@pytest.fixture
async def watcher(fired: Fired) -> AsyncIterator[Watcher]:
    watcher = Watcher(fired)
    yield watcher
    await watcher.stop()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"
