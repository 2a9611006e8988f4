"""What an entry of the audit log means to people."""

from datetime import UTC, datetime
from typing import Any

import pytest

from syncd.domain.audit import GENESIS, Entry, Recorded
from syncd.domain.notice import Happening, Notice
from syncd.domain.run import Failure, Run, RunId, RunState, SyncName, Trigger
from syncd.observe.notify.judging import follows, of_run, of_schema

T0 = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def recorded(action: str = "run.ended", **detail: Any) -> Recorded:
    return Recorded(1, T0, Entry(action, "shop", "r1", detail=detail), GENESIS, GENESIS)


def run(state: RunState, mode: str = "incremental", **more: Any) -> Run:
    return Run(RunId("r1"), SyncName("shop"), mode, Trigger.SCHEDULE, state, T0, **more)


def told(found: Any) -> dict[str, str | None]:
    return {subject: notice and notice.happening.value for subject, notice in found.items()}


BAD = Failure("source.mismatch", "no such table", "look there")


@pytest.mark.parametrize(
    ("ended", "detail", "warnings", "expected"),
    [
        pytest.param(
            run(RunState.DONE),
            {},
            (),
            {"shop/writing": None, "shop/comparing by incremental": None, "shop/warnings": None},
            id="all is well",
        ),
        pytest.param(run(RunState.FAILED, failure=BAD), {}, (), {"shop/writing": "failed", "shop/warnings": None}, id="the run failed"),
        pytest.param(
            run(RunState.FAILED, failure=BAD),
            {"hold": "halted"},
            (),
            {"shop/writing": "halted", "shop/warnings": None},
            id="the sync halts",
        ),
        pytest.param(run(RunState.CANCELLED), {}, ("w",), {}, id="a person ended it"),
        pytest.param(run(RunState.INTERRUPTED), {}, ("w",), {}, id="the daemon stopped"),
        pytest.param(
            run(RunState.DONE, "verify", writes=False, drifted=True),
            {},
            ("w",),
            {"shop/looking": None, "shop/comparing by verify": "drift"},
            id="a comparison found a difference",
        ),
        pytest.param(
            run(RunState.FAILED, "plan", writes=False, failure=BAD), {}, (), {"shop/looking": "failed"}, id="a run that only looks failed"
        ),
        pytest.param(
            run(RunState.DONE),
            {},
            ("mind the gap",),
            {"shop/writing": None, "shop/comparing by incremental": None, "shop/warnings": "warnings"},
            id="there are warnings",
        ),
    ],
)
def test_the_end_of_a_run_tells_how_things_stand(
    ended: Run, detail: dict[str, Any], warnings: tuple[str, ...], expected: dict[str, str | None]
) -> None:
    assert told(of_run(recorded(**detail), ended, warnings)) == expected


def test_a_failure_is_told_in_its_own_words() -> None:
    notice = of_run(recorded(), run(RunState.FAILED, failure=BAD), ())["shop/writing"]

    assert notice == Notice(Happening.FAILED, "shop", T0, "source.mismatch", "no such table", "look there", "r1", "incremental")


def test_a_changed_schema_names_a_few_columns_and_counts_the_rest() -> None:
    many = [f"c{number}" for number in range(8)]

    found = of_schema(recorded("schema.drifted", added=many, removed=[], changed=["price: int -> text"]))

    notice = found["shop/schema"]
    assert notice is not None
    assert notice.message == "the columns of the source changed: added c0, c1, c2, c3, c4 and 3 more; changed price: int -> text"


FAILED = Notice(Happening.FAILED, "shop", T0, "source.mismatch", "no such table", "look there", "r0", "incremental")
DRIFTED = Notice(Happening.DRIFT, "shop", T0, "run.drifted", "differs")


@pytest.mark.parametrize(
    ("before", "found", "expected"),
    [
        pytest.param(None, None, None, id="it was well and is"),
        pytest.param(None, FAILED, Happening.FAILED, id="it fails now"),
        pytest.param(FAILED, None, Happening.RECOVERED, id="it is well again"),
        pytest.param(DRIFTED, None, None, id="a drift that is gone is not told"),
        pytest.param(DRIFTED, FAILED, Happening.FAILED, id="what was found is how it stands"),
    ],
)
def test_that_all_is_well_again_is_news_after_a_failure(before: Notice | None, found: Notice | None, expected: Happening | None) -> None:
    now = follows(before, found, recorded())

    assert (now and now.happening) == expected


def test_a_recovery_says_from_what_and_stays() -> None:
    recovered = follows(FAILED, None, recorded())
    assert recovered is not None

    again = follows(recovered, None, recorded())

    assert again is recovered
    assert recovered.message == "works again; it had failed: no such table"
    assert (recovered.code, recovered.hint, recovered.run) == ("source.mismatch", "", "r1")
