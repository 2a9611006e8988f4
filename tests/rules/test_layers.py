import pytest

from tools.check import CHECKS, check


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", CHECKS)
def test_the_tools_find_nothing_to_mend(name: str) -> None:
    result = check(name)

    assert result.returncode == 0, result.stdout
