"""What `top` shows and what its keys do, without a terminal."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from syncapi.v1.common_pb2 import Counters, Failure, Phase, Run, RunState, Sync
from syncapi.v1.control_pb2 import GetDaemonResponse, WatchSyncsResponse
from syncctl import frames, keys, top_view
from syncctl.top_state import Action, Page, Top, Verb, heard, pressed, told

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SCREEN = Path(__file__).with_name("top_screen.txt")


def at(**before: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(NOW - timedelta(**before))
    return stamp


def ended(**values: object) -> Run:
    given: dict[str, object] = {"mode": "incremental", "state": RunState.RUN_STATE_DONE, "summary": "done", "ended_at": at(minutes=2)}
    return Run(**(given | values))  # type: ignore[arg-type]


def some_syncs() -> list[Sync]:
    rejected = Failure(code="connection.credentials", message="Meilisearch rejects the key", hint="check `key` in the settings")
    running = Run(
        id="01JRUN",
        mode="full",
        state=RunState.RUN_STATE_RUNNING,
        total=50_000,
        counters=Counters(read=31_000),
        doing="loading",
        rate=14_705.4,
        eta_seconds=2,
    )
    failed = ended(id="01JBAD", sync="customers", summary="failed", state=RunState.RUN_STATE_FAILED, failure=rejected)
    return [
        Sync(name="customers", phase=Phase.PHASE_HALTED, last_run=failed, problem=rejected, complete_to="2026-02-28T12:00:00+00:00"),
        Sync(
            name="products",
            phase=Phase.PHASE_IDLE,
            last_run=ended(),
            complete_to="2026-03-01 11:59:20",
            next_run_at=at(seconds=-40),
            dead_letters=60,
            warnings=["3 rows have no watermark"],
        ),
        Sync(name="orders", phase=Phase.PHASE_RUNNING, run=running, complete_to="20260301"),
        Sync(name="주문", phase=Phase.PHASE_PAUSED),
        *(Sync(name=f"table_{number:02}", phase=Phase.PHASE_IDLE, last_run=ended(), complete_to=str(number)) for number in range(12)),
    ]


@pytest.fixture
def top() -> Top:
    daemon = GetDaemonResponse(version="0.1.0", started_at=at(days=3))
    return heard(Top(daemon=daemon), WatchSyncsResponse(snapshot=True, syncs=some_syncs()))


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def screen(top: Top, columns: int = 100, lines: int = 30) -> list[str]:
    frame = top_view.frame(top, NOW, "unix:/run/syncd/syncd.sock", lines)
    return [line.rstrip() for line in frames.lines(frame, columns, lines)]


def test_the_screen_is_as_it_was_looked_at(top: Top) -> None:
    assert "\n".join(screen(top)) == SCREEN.read_text()


@pytest.mark.parametrize(("columns", "lines"), [(100, 30), (40, 12), (200, 60), (20, 4), (1, 1)])
@pytest.mark.parametrize("page", Page)
def test_a_screen_has_as_many_lines_as_the_terminal(top: Top, page: Page, columns: int, lines: int) -> None:
    shown = screen(replace(top, page=page), columns, lines)

    assert len(shown) == lines


@pytest.mark.parametrize("chosen", ["customers", "table_05", "주문"])
def test_the_chosen_sync_is_always_in_sight(top: Top, chosen: str) -> None:
    shown = screen(replace(top, chosen=chosen), lines=15)

    assert [line.split()[1] for line in shown if line.startswith("▸")] == [chosen]


def test_a_long_error_is_shown_in_full_and_scrolls(top: Top) -> None:
    message = " ".join(f"word{number}" for number in range(400))
    problem = Failure(code="source.unavailable", message=message, hint="start it")
    halted = heard(top, WatchSyncsResponse(syncs=[Sync(name="customers", phase=Phase.PHASE_HALTED, problem=problem)]))
    page, _ = pressed(halted, "e")

    first = " ".join(screen(page))
    last = " ".join(screen(pressed(page, "last")[0]))

    assert "word0 " in first
    assert "word399" not in first
    assert "word399" in last
    assert "source.unavailable" in last
    assert "start it; then `syncctl resume customers`" in last


def test_what_a_daemon_says_does_not_steer_the_terminal(top: Top) -> None:
    evil = Sync(name="customers", problem=Failure(message="\x1b]0;mine\x07"), warnings=["\x1b[2J"])

    shown = "".join(screen(heard(replace(top, lost="\x1b[31m"), WatchSyncsResponse(syncs=[evil]))))

    assert "\x1b" not in shown


def test_before_the_daemon_has_spoken_nothing_is_said_about_syncs() -> None:
    assert "asking the daemon …" in screen(Top())
    assert "no syncs: the settings name none" in screen(heard(Top(), WatchSyncsResponse(snapshot=True)))


@pytest.mark.parametrize(
    ("sync", "key", "action"),
    [
        pytest.param("products", "p", Action(Verb.PAUSE, "products"), id="an idle sync is paused"),
        pytest.param("customers", "p", Action(Verb.RESUME, "customers"), id="a halted sync is resumed"),
        pytest.param("products", "r", Action(Verb.START, "products"), id="a run as scheduled"),
        pytest.param("products", "f", None, id="a full run asks first"),
        pytest.param("orders", "c", Action(Verb.CANCEL, "01JRUN"), id="the run under way is cancelled"),
        pytest.param("products", "c", None, id="there is no run to cancel"),
        pytest.param("products", "q", Action(Verb.LEAVE), id="leaving"),
        pytest.param("products", "z", None, id="a key that means nothing"),
    ],
)
def test_a_key_asks_for(top: Top, sync: str, key: str, action: Action | None) -> None:
    assert pressed(replace(top, chosen=sync), key)[1] == action


@pytest.mark.parametrize(("key", "action"), [("y", Action(Verb.START, "customers", "full")), ("n", None), ("enter", None), ("q", None)])
def test_only_yes_is_yes(top: Top, key: str, action: Action | None) -> None:
    asking, _ = pressed(top, "f")

    answered, asked = pressed(asking, key)

    assert "bring over everything of customers? y/n" in "".join(screen(asking))
    assert asked == action
    assert answered.asking is None


def test_arrows_stop_at_both_ends(top: Top) -> None:
    assert pressed(top, "up")[0].chosen == "customers"
    assert pressed(top, "down")[0].chosen == "orders"
    assert pressed(top, "last")[0].chosen == "주문"
    assert pressed(pressed(top, "last")[0], "down")[0].chosen == "주문"
    assert pressed(pressed(top, "last")[0], "first")[0].chosen == "customers"


def test_when_the_chosen_sync_is_removed_the_next_one_is_chosen(top: Top) -> None:
    gone = heard(top, WatchSyncsResponse(removed=["customers"]))

    assert gone.chosen == "orders"
    assert heard(gone, WatchSyncsResponse(snapshot=True)).chosen == ""


def test_keys_are_harmless_where_there_is_no_sync() -> None:
    empty = heard(Top(), WatchSyncsResponse(snapshot=True))

    for key in ["up", "last", "p", "r", "f", "c", "e"]:
        after, action = pressed(empty, key)

        assert action is None
        assert len(screen(after)) == 30


def test_an_answer_stands_until_the_next_key(top: Top) -> None:
    answered = told(top, "products is paused")

    assert "products is paused" in screen(answered)
    assert "products is paused" not in screen(pressed(answered, "down")[0])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("jk", ["down", "up"]),
        ("\x1b[A\x1bOB\x1b[5~", ["up", "down", "page up"]),
        ("\x1b", ["escape"]),
        ("\x1b[24;5~q", ["\x1b[24;5~", "q"]),
        ("ㅂ\r", ["ㅂ", "enter"]),
    ],
)
def test_keys_have_names(raw: str, expected: list[str]) -> None:
    assert keys.named(raw) == expected
