import io
import os
import socket
from pathlib import Path

import pytest

from syncd.kit.journal import entry, field_name, leads_to_journal, send


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        pytest.param({"MESSAGE": "hello", "PRIORITY": "6"}, b"MESSAGE=hello\nPRIORITY=6\n", id="one line each"),
        pytest.param({"MESSAGE": "a\nb"}, b"MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n", id="a newline makes it binary, with its length"),
        pytest.param({"MESSAGE": "박=1"}, "MESSAGE=박=1\n".encode(), id="any text, equals signs too"),
        pytest.param({"MESSAGE": "\ud800"}, b"MESSAGE=?\n", id="half a character"),
        pytest.param({"_PID": "1", "a": "b", "": "c"}, b"", id="names that the journal keeps to itself or does not know"),
    ],
)
def test_fields_stand_as_the_protocol_wants_them(fields: dict[str, str], line: bytes) -> None:
    assert entry(fields) == line


@pytest.mark.parametrize(
    ("word", "name"),
    [("syncd_run", "SYNCD_RUN"), ("syncd_x-y.z", "SYNCD_X_Y_Z"), ("_9lives", "LIVES"), ("é", ""), ("a" * 99, "A" * 64)],
)
def test_a_word_becomes_a_name(word: str, name: str) -> None:
    assert field_name(word) == name


@pytest.mark.parametrize("size", [10, 1_000_000], ids=["small: a datagram", "large: a sealed file"])
def test_a_line_of_any_size_arrives(size: int, tmp_path: Path) -> None:
    line = entry({"MESSAGE": "x" * size})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(str(tmp_path / "socket"))
        journald.settimeout(5)

        send(line, tmp_path / "socket")

        told, files, _, _ = socket.recv_fds(journald, 500_000, 1)
        for file in files:
            told = os.pread(file, 2_000_000, 0)
            os.close(file)
        assert told == line


def test_a_stream_leads_to_the_journal_if_the_environment_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "mine").open("w") as mine, (tmp_path / "other").open("w") as other:
        found = os.fstat(mine.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")

        assert leads_to_journal(mine)
        assert not leads_to_journal(other)
        assert not leads_to_journal(io.StringIO())
