"""`--timeout` ends whatever the program does by then."""

import socket
from pathlib import Path

import pytest

from tests.ctl.harness import Ctl


@pytest.mark.parametrize("words", [("status", "--timeout", "1s"), ("--timeout", "1s", "audit", "verify")], ids=["behind", "before"])
def test_a_daemon_that_never_answers_is_waited_for_no_longer(tmp_path: Path, words: tuple[str, ...]) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "s"))
        deaf.listen()

        answer = Ctl(tmp_path / "s")(*words)

    assert (answer.code, answer.out, answer.err) == (124, "", "error: not over after 1.0 s\n")


def test_watching_ends_in_time(ctl: Ctl) -> None:
    answer = ctl("status", "-w", "--timeout", "4s")

    assert (answer.code, answer.err) == (124, "error: not over after 4.0 s\n")
    assert len(answer.out.splitlines()) == 3


def test_a_question_waits_no_longer_either(ctl: Ctl) -> None:
    with ctl.on_terminal("reset", "products", "--timeout", "3s") as terminal:
        assert terminal.shows("[y/N]")
        code = terminal.ends()

    assert code == 124
    assert "not over after 3.0 s" in terminal.text
