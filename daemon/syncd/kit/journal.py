"""The journal of systemd: whether a stream leads there, and lines with fields (systemd.journal-fields(7), Native Journal Protocol)."""

import fcntl
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

SOCKET = Path("/run/systemd/journal/socket")

_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_TOO_LONG = 200_000
"""Longer datagrams may be refused by the kernel; they travel as a sealed file in memory."""


def leads_to_journal(stream: TextIO) -> bool:
    """Whether `$JOURNAL_STREAM` names the file behind this stream, and not one that a parent had."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM", "") == f"{found.st_dev}:{found.st_ino}"


def field_name(word: str) -> str:
    """A word as the name of a field: capitals, digits, underscores, at most 64 and no digit or underscore first."""
    return re.sub(r"[^A-Z0-9_]", "_", word.upper()).lstrip("_0123456789")[:64]


def entry(fields: Mapping[str, str]) -> bytes:
    """One line of the journal. Values may hold anything, newlines too; names are such as `field_name` gives."""
    return b"".join(_field(name, value.encode(errors="replace")) for name, value in fields.items() if _NAME.fullmatch(name))


def send(line: bytes, to: Path = SOCKET) -> None:
    """Hand a line to the journal. Raises `OSError` if it does not take it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.connect(str(to))
        if len(line) < _TOO_LONG:
            channel.send(line)
        else:
            _send_as_file(channel, line)


def _field(name: str, value: bytes) -> bytes:
    if b"\n" in value:
        return b"%s\n%s%s\n" % (name.encode(), len(value).to_bytes(8, "little"), value)
    return b"%s=%s\n" % (name.encode(), value)


def _send_as_file(channel: socket.socket, line: bytes) -> None:
    file = os.memfd_create("syncd-journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(file, "wb", closefd=False) as memory:
            memory.write(line)
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL)
        socket.send_fds(channel, [], [file])
    finally:
        os.close(file)
