import io
import json
import logging
import os
import pty
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from syncd.observe.logging import configure


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(message: str, password: str = "") -> None:
    raise ValueError(f"{message}: {len(password)}")


def configured(level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure(level, stream)
    return stream


def test_a_line_is_one_json_object_with_time_level_event_and_values() -> None:
    stream = configured()

    structlog.get_logger().info("batch applied", applied=3, name="박")

    (line,) = lines(stream)
    at = datetime.fromisoformat(line.pop("timestamp"))
    assert at.tzinfo == UTC
    assert line == {"level": "info", "event": "batch applied", "applied": 3, "name": "박"}


def test_sync_and_run_of_the_context_stand_on_every_line_behind_the_event() -> None:
    stream = configured()

    with structlog.contextvars.bound_contextvars(run="01J", sync="products"):
        structlog.get_logger().info("run began", applied=1)
        logging.getLogger("library").warning("slow")

    assert [(line["sync"], line["run"]) for line in lines(stream)] == [("products", "01J")] * 2
    assert list(lines(stream)[0]) == ["timestamp", "level", "event", "sync", "run", "applied"]


def test_what_libraries_log_takes_the_same_way_and_names_the_library() -> None:
    stream = configured()

    logging.getLogger("library.part").warning("took %d s", 3)

    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("took 3 s", "warning", "library.part")


@pytest.mark.parametrize("library", ["apscheduler.scheduler", "grpc._cython", "asyncio"])
def test_chatty_libraries_are_heard_only_when_something_is_wrong(library: str) -> None:
    stream = configured("debug")

    logging.getLogger(library).info("added job")
    logging.getLogger(library).error("lost job")

    assert [line["event"] for line in lines(stream)] == ["lost job"]


def test_lines_below_the_level_are_not_written() -> None:
    stream = configured("warning")

    structlog.get_logger().info("batch applied")
    structlog.get_logger().warning("batch refused")
    logging.getLogger("library").info("hello")

    assert [line["event"] for line in lines(stream)] == ["batch refused"]


@pytest.mark.parametrize("name", ["key", "api_key", "masterKey", "password", "X-Auth-Token", "client_secret", "Authorization"])
def test_values_under_names_of_secrets_are_hidden(name: str) -> None:
    stream = configured()

    structlog.get_logger().info("connected", **{name: "hunter2"})

    assert "hunter2" not in stream.getvalue()
    assert lines(stream)[0][name] == "•••"


def test_secrets_are_hidden_at_any_depth() -> None:
    stream = configured()

    structlog.get_logger().info("connected", headers={"accept": "json", "token": "hunter2"}, tries=[{"password": "hunter2"}])

    assert "hunter2" not in stream.getvalue()
    assert lines(stream)[0]["headers"]["accept"] == "json"


def test_the_login_in_an_url_is_hidden_also_in_a_traceback() -> None:
    stream = configured()

    try:
        fail("cannot reach http://ada:hunter2@db/x")
    except ValueError:
        structlog.get_logger().exception("failed", url="http://ada:hunter2@db/x")

    assert "hunter2" not in stream.getvalue()
    assert lines(stream)[0]["url"] == "http://•••@db/x"


@pytest.mark.parametrize("name", ["monkey", "keyspace", "keys_read", "tokenizer", "primary"])
def test_values_under_harmless_names_are_shown(name: str) -> None:
    stream = configured()

    structlog.get_logger().info("said", **{name: "Ada"})

    assert lines(stream)[0][name] == "Ada"


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_traceback_shows_no_local_variables(stream: type[io.StringIO]) -> None:
    out = stream()
    configure("info", out)
    password = f"hunter{1 + 1}"

    try:
        fail("too short", password)
    except ValueError:
        structlog.get_logger().exception("bug")

    assert "ValueError: too short: 7" in out.getvalue()
    assert "hunter2" not in out.getvalue()


def test_a_value_that_json_cannot_say_is_written_as_text() -> None:
    stream = configured()

    structlog.get_logger().info("looked", at=datetime(2026, 1, 2, tzinfo=UTC), number=1 + 2j, by_number={1: "one"})

    (line,) = lines(stream)
    assert line["number"] == "(1+2j)"
    assert line["by_number"] == {"1": "one"}


def test_a_terminal_gets_columns_instead_of_json() -> None:
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream:
        configure("info", stream)

        structlog.get_logger().info("batch applied", applied=3)

        text = os.read(controller, 10_000).decode()
    os.close(controller)
    assert "batch applied" in text
    assert not text.startswith("{")
