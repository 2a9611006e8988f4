"""The story of a run, from what the daemon says to what people read."""

import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from syncapi.v1.common_pb2 import AuditEntry, Counters, Failure, Phase, Run, RunState, RunTrigger, Sync
from syncctl import explain_view, paint
from syncctl.explaining import Sources, differences, story

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
SETTINGS_THEN: dict[str, Any] = {"every": "5m", "source": {"table": "products"}}
APPLIED: dict[str, Any] = {"fingerprint": "abc", "settings": SETTINGS_THEN, "connections": {"shop": "111"}}


def at(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(START + timedelta(seconds=seconds))
    return stamp


def a_run(name: str = "R5", **values: Any) -> Run:
    given: dict[str, Any] = {
        "id": name,
        "sync": "products",
        "mode": "incremental",
        "trigger": RunTrigger.RUN_TRIGGER_SCHEDULE,
        "state": RunState.RUN_STATE_DONE,
        "summary": "done",
        "attempt": 1,
        "queued_at": at(0),
        "started_at": at(2),
        "ended_at": at(10),
        "counters": Counters(read=5, stored=4, refused=1, batches=2, bytes=900),
    }
    return Run(**(given | values))


def an_entry(sequence: int, action: str, outcome: str = "ok", /, **detail: Any) -> AuditEntry:
    return AuditEntry(sequence=sequence, at=at(sequence), action=action, actor="syncd", outcome=outcome, detail_json=json.dumps(detail))


STARTED = an_entry(1, "run.started", settings="abc", **{"from": {"complete_to": "09:00"}})
ENDED = an_entry(9, "run.ended", reached={"complete_to": "10:00", "checkpoint": "f00"}, hold="halted")
SETTINGS = (an_entry(0, "settings.applied", **APPLIED),)


def sources(run: Run | None = None, *entries: AuditEntry, **more: Any) -> Sources:
    return Sources(run or a_run(), (STARTED, *entries, ENDED), SETTINGS, **more)


def shown(told: Sources) -> str:
    out = io.StringIO()
    paint.show(explain_view.blocks(story(told)), out)
    return out.getvalue()


LEFT_BEHIND = a_run("R2", state=RunState.RUN_STATE_INTERRUPTED, ended_at=at(-60))
UNDER_WAY_THEN = a_run("R3", queued_at=at(-30), started_at=at(-30), ended_at=at(2))
CASES = [
    pytest.param(sources(), ["the schedule was due: every = 5m", "abc  first used"], id="the schedule"),
    pytest.param(sources(a_run(trigger=RunTrigger.RUN_TRIGGER_CHANGE)), ["a watched file changed"], id="the watcher"),
    pytest.param(
        sources(a_run(trigger=RunTrigger.RUN_TRIGGER_REQUEST, actor="token ci (uid 7)", request_id="r-1", parameters={"replace": "true"})),
        ["token ci (uid 7) asked for it", "request id  r-1", "parameters  replace=true"],
        id="somebody with a token",
    ),
    pytest.param(
        sources(a_run(trigger=RunTrigger.RUN_TRIGGER_RECOVERY), before=[LEFT_BEHIND]),
        ["goes on with  R2"],
        id="an interrupted run before it",
    ),
    pytest.param(sources(before=[LEFT_BEHIND, UNDER_WAY_THEN]), ["2.0 s, behind R3"], id="it waited for another run"),
    pytest.param(sources(settings_now=SETTINGS_THEN), ["now       the same"], id="the same settings now"),
    pytest.param(
        sources(settings_now={"every": "5m", "source": {"table": "goods"}}),
        ["source.table  products → now goods"],
        id="a setting that changed",
    ),
    pytest.param(sources(settings_now={"every": "5m", "source": {}}), ["products → now not set"], id="a setting that is gone"),
    pytest.param(sources(), ["4 stored, 1 refused", "2, 900 B", "09:00 → 10:00 f00"], id="rows, batches, checkpoint"),
    pytest.param(
        sources(
            None, an_entry(3, "rows.refused", "refused", rows=2, codes={"bad_id": 2}), an_entry(4, "rows.refused", codes={"bad_id": 1})
        ),
        ["dead letters  3  bad_id"],
        id="dead letters by their codes",
    ),
    pytest.param(
        sources(None, an_entry(3, "run.retried", "target.unavailable", attempt=1, problem="it is down", wait=1.5)),
        ["after attempt 1  1.5 s it is down  target.unavailable"],
        id="an attempt that failed",
    ),
    pytest.param(sources(None, an_entry(3, "schema.drifted", table="t")), ["schema.drifted  table=t"], id="what the engine wrote down"),
    pytest.param(
        sources(
            a_run(
                state=RunState.RUN_STATE_FAILED,
                summary="failed",
                failure=Failure(code="source.mismatch", message="no such table", hint="create it"),
            )
        ),
        ["failed after 8.0 s", "no such table  source.mismatch", "to do     create it", "the sync  halted"],
        id="a failure that halts the sync",
    ),
    pytest.param(
        sources(None, an_entry(11, "notify.sent", channel="chat"), after=[an_entry(12, "sync.resumed")], behind=[a_run("R6"), a_run("R7")]),
        ["notify.sent   channel=chat", "sync.resumed", "next run      R6  incremental, done  schedule"],
        id="notice, resumption and next run",
    ),
    pytest.param(sources(sync=Sync(next_run_at=at(300))), ["due 2026-11-21 "], id="the next run is due"),
    pytest.param(
        Sources(a_run(state=RunState.RUN_STATE_CANCELLED, summary="cancelled", started_at=None), sync=Sync(phase=Phase.PHASE_PAUSED)),
        ["not recorded", "cancelled", "none is due, the sync is paused"],
        id="it never began",
    ),
]


@pytest.mark.parametrize(("told", "words"), CASES)
def test_people_read_what_led_to_a_run_and_what_came_of_it(told: Sources, words: Sequence[str]) -> None:
    text = shown(told)

    assert [word for word in words if word not in text] == [], text


@pytest.mark.parametrize(
    ("then", "now", "found"),
    [
        pytest.param({"a": {"b": 1}}, {"a": {"b": 1}}, [], id="nothing"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": 2}}, [{"key": "a.b", "then": 1, "now": 2}], id="a value deep down"),
        pytest.param({"a": 1}, {"b": 1}, [{"key": "a", "then": 1}, {"key": "b", "now": 1}], id="keys that come and go"),
        pytest.param({"a": [1]}, {"a": [1, 2]}, [{"key": "a", "then": [1], "now": [1, 2]}], id="lists as a whole"),
        pytest.param({"a": None}, {}, [{"key": "a", "then": None}], id="null is a value"),
    ],
)
def test_what_differs_is_told_by_its_key(then: Mapping[str, Any], now: Mapping[str, Any], found: list[Any]) -> None:
    assert list(differences(then, now)) == found


def test_a_connection_that_changed_is_told_without_what_it_says() -> None:
    newer = an_entry(20, "settings.applied", **{**APPLIED, "fingerprint": "def", "connections": {"shop": "222"}})

    told = story(Sources(a_run(), (STARTED,), (*SETTINGS, newer), settings_now=SETTINGS_THEN))

    assert told["settings"]["changed_since"] == [{"key": "connections.shop"}]


def test_a_run_with_very_many_entries_tells_the_first_and_counts_the_rest() -> None:
    told = story(sources(None, *(an_entry(number, "metadata.asked", model="m") for number in range(2, 250))))

    assert len(told["events"]) == 101
    assert told["events"][-1] == {"more": 148}
