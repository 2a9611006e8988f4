"""What is logged stands in the journal with fields, and is never lost if there is none."""

import json
import logging
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pytest
import structlog

from syncd.observe.journal import fields
from syncd.observe.logging import configure


def lose() -> None:
    raise KeyError("lost")


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TextIO]:
    """A standard error that leads to the journal."""
    with (tmp_path / "stderr").open("w+") as stream:
        found = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        yield stream


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Callable[[], bytes]]:
    """What journald reads."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(str(tmp_path / "journal"))
        journald.settimeout(5)
        yield lambda: journald.recv(100_000)


def test_sync_and_run_are_fields_that_can_be_searched(stream: TextIO, journal: Callable[[], bytes], tmp_path: Path) -> None:
    configure("info", stream, tmp_path / "journal")

    structlog.get_logger().warning("batch refused", sync="products", run="01J", rows=3)

    told = journal().decode().splitlines()
    assert {"PRIORITY=4", "SYSLOG_IDENTIFIER=syncd", "SYNCD_SYNC=products", "SYNCD_RUN=01J", "SYNCD_ROWS=3"} <= set(told)
    assert "MESSAGE=batch refused sync=products run=01J rows=3" in told
    assert not any("TIMESTAMP" in line for line in told)


def test_secrets_are_hidden_there_too(stream: TextIO, journal: Callable[[], bytes], tmp_path: Path) -> None:
    configure("info", stream, tmp_path / "journal")

    structlog.get_logger().info("connected", password="hunter2", url="http://ada:hunter2@db/x")

    assert b"hunter2" not in journal()


def test_a_traceback_follows_the_message(stream: TextIO, journal: Callable[[], bytes], tmp_path: Path) -> None:
    configure("info", stream, tmp_path / "journal")

    try:
        lose()
    except KeyError:
        structlog.get_logger().exception("bug")

    told = journal().decode(errors="replace")
    assert "bug\nTraceback (most recent call last)" in told
    assert "KeyError: 'lost'" in told
    assert "PRIORITY=3" in told


def test_without_a_journal_the_line_goes_to_the_stream(stream: TextIO, tmp_path: Path) -> None:
    configure("info", stream, tmp_path / "nobody")

    structlog.get_logger().info("batch applied", applied=3)

    stream.seek(0)
    line = json.loads(stream.read())
    assert (line["event"], line["applied"]) == ("batch applied", 3)


def test_another_stream_gets_json_whatever_the_environment_says(stream: TextIO, tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+") as file:
        configure("info", file, tmp_path / "journal")

        structlog.get_logger().info("batch applied")

        file.seek(0)
        assert json.loads(file.read())["event"] == "batch applied"


@pytest.mark.parametrize(
    ("level", "priority"), [("debug", "7"), ("info", "6"), ("warning", "4"), ("error", "3"), ("critical", "2"), ("odd", "6")]
)
def test_a_level_becomes_a_priority(level: str, priority: str) -> None:
    assert fields({"event": "x", "level": level})["PRIORITY"] == priority


def test_values_that_are_more_than_a_word_are_quoted_in_the_message_only() -> None:
    told = fields({"event": "looked", "path": "a b", "list": [1, 2], "none": None, "empty": ""})

    assert told["MESSAGE"] == 'looked path="a b" list=[1,2] none=null empty=""'
    assert (told["SYNCD_PATH"], told["SYNCD_LIST"]) == ("a b", "[1,2]")
