from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from syncd.ledger.book import open_ledger
from syncd.ledger.state import State, open_state
from syncd.ports.ledger import Ledger
from tests.ledger.world import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ledger(tmp_path: Path, clock: Clock) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
async def state(tmp_path: Path, clock: Clock) -> AsyncIterator[State]:
    async with open_state(tmp_path / "state.db", clock) as opened:
        yield opened
