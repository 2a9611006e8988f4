"""When a comparison of keys may delete."""

import pytest

from syncd.domain.errors import ShrinkRefused
from syncd.engines.search.deletions import check_shrink
from syncd.engines.search.settings import Deletions

LIMITS = Deletions(max_shrink=0.2, min_shrink=20)


@pytest.mark.parametrize(
    ("held", "lost"),
    [
        pytest.param(0, 0, id="an empty index"),
        pytest.param(1000, 0, id="nothing to delete"),
        pytest.param(1000, 200, id="exactly the share"),
        pytest.param(50, 20, id="few, though a large share"),
    ],
)
def test_little_goes_without_asking(held: int, lost: int) -> None:
    check_shrink(held=held, lost=lost, limits=LIMITS, allowed=False)


@pytest.mark.parametrize(
    ("held", "lost"),
    [
        pytest.param(1000, 201, id="more than the share"),
        pytest.param(1000, 1000, id="everything"),
        pytest.param(3, 3, id="everything of a small index"),
    ],
)
def test_much_asks_first(held: int, lost: int) -> None:
    with pytest.raises(ShrinkRefused, match=f"{lost:,} of {held:,}") as caught:
        check_shrink(held=held, lost=lost, limits=LIMITS, allowed=False)

    assert "allow_shrink=true" in caught.value.hint


def test_a_person_may_allow_everything() -> None:
    check_shrink(held=10, lost=10, limits=LIMITS, allowed=True)
