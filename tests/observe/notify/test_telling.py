"""Who is owed which message, and when."""

from datetime import UTC, datetime, timedelta

import pytest

from syncd.domain.notice import Happening, Notice
from syncd.observe.notify.telling import Told, due
from syncd.settings.notify import NotifySection

T0 = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ALL = tuple(Happening)
HALTED, FAILED, RECOVERED, DRIFT, WARNINGS = ALL


def minutes(number: float) -> datetime:
    return T0 + timedelta(minutes=number)


def notice(happening: Happening, at: datetime = T0, *, code: str = "target.unavailable", run: str = "r1", message: str = "m") -> Notice:
    return Notice(happening, "shop", at, code, message, run=run)


def told(*notices: Notice) -> Told:
    """What was told, each at its own time."""
    found = Told()
    for each in notices:
        found.delivered(each, each.at)
    return found


def section(**more: object) -> NotifySection:
    return NotifySection.model_validate({"command": ["true"], "on": list(ALL), "quiet": "1h", **more})


@pytest.mark.parametrize(
    ("before", "now", "when"),
    [
        pytest.param([], notice(FAILED), T0, id="the first failure is told at once"),
        pytest.param([notice(FAILED)], notice(FAILED, minutes(5), run="r2"), None, id="the same failure is not told again"),
        pytest.param(
            [notice(FAILED)], notice(FAILED, minutes(5), code="other"), minutes(60), id="another failure is told after the quiet time"
        ),
        pytest.param([notice(FAILED)], notice(FAILED, minutes(90), code="other"), minutes(90), id="or at once where that is over"),
        pytest.param([notice(FAILED)], notice(HALTED, minutes(5)), minutes(5), id="a halt does not wait"),
        pytest.param([notice(HALTED)], notice(HALTED, minutes(5)), None, id="a halt is told once"),
        pytest.param([notice(HALTED)], notice(HALTED, minutes(5), run="r2"), minutes(5), id="each halt is told"),
        pytest.param([notice(FAILED)], notice(RECOVERED, minutes(5)), minutes(5), id="a recovery is told at once"),
        pytest.param([], notice(RECOVERED), None, id="a recovery from what nobody was told of is not told"),
        pytest.param([notice(HALTED), notice(RECOVERED)], notice(RECOVERED, minutes(5)), None, id="a recovery is told once"),
        pytest.param(
            [notice(FAILED), notice(RECOVERED, minutes(1))],
            notice(FAILED, minutes(2)),
            minutes(60),
            id="what comes and goes waits until it stays",
        ),
        pytest.param(
            [notice(DRIFT)], notice(DRIFT, minutes(5), message="other"), minutes(60), id="another drift is told after the quiet time"
        ),
        pytest.param([notice(WARNINGS)], notice(WARNINGS, minutes(5)), None, id="the same warnings are not told again"),
    ],
)
def test_a_message_is_due_when_something_is_new(before: list[Notice], now: Notice, when: datetime | None) -> None:
    owed = due(section(), "shop/writing", now, told(*before))

    assert (owed.when if owed else None) == when


@pytest.mark.parametrize(
    ("more", "is_told"),
    [
        pytest.param({"on": ["halted"]}, False, id="not what the channel does not ask for"),
        pytest.param({"on": ["failed"]}, True, id="what it asks for"),
        pytest.param({"syncs": ["sh*"]}, True, id="a sync whose name fits"),
        pytest.param({"syncs": ["other", "warehouse-?"]}, False, id="no sync whose name does not fit"),
    ],
)
def test_a_channel_is_told_what_it_asks_for(more: dict[str, object], is_told: bool) -> None:
    owed = due(section(**more), "shop/writing", notice(FAILED), Told())

    assert (owed is not None) == is_told


def test_waits_after_failures_double_up_to_a_quarter_of_an_hour() -> None:
    state, waits = Told(), []

    for _ in range(14):
        state.failed(T0)
        owed = due(section(), "shop/writing", notice(HALTED), state)
        assert owed is not None
        waits.append((owed.when - T0).total_seconds())

    assert waits[:5] == [1, 2, 4, 8, 16]
    assert waits[-3:] == [900, 900, 900]


def test_a_message_that_arrived_ends_the_waiting() -> None:
    state = Told()
    state.failed(T0)

    state.delivered(notice(HALTED), T0)

    assert due(section(), "shop/writing", notice(HALTED, run="r2"), state).when == T0  # type: ignore[union-attr]
