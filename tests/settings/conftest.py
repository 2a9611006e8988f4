from pathlib import Path

import pytest

from tests.settings.world import Written


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)
