import socket
from pathlib import Path

import pytest

from syncd.kit.systemd import notify


@pytest.mark.parametrize("kind", ["a path", "an abstract name"])
def test_a_state_reaches_the_socket_that_systemd_names(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify") if kind == "a path" else f"@{tmp_path.name}-{id(tmp_path)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        systemd.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", address)

        heard = notify("READY=1\nSTATUS=3 syncs")

        assert heard
        assert systemd.recv(1000) == b"READY=1\nSTATUS=3 syncs"


def test_without_systemd_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    assert not notify("READY=1")


def test_a_socket_that_nobody_reads_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "missing"))

    with pytest.raises(FileNotFoundError):
        notify("READY=1")


def test_a_systemd_that_reads_nothing_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as silent:
        silent.bind(address)
        with pytest.raises(BlockingIOError):
            _say_much()


def _say_much() -> None:
    for _ in range(100_000):
        notify("STATUS=3 syncs")
