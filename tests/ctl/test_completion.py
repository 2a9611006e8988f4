"""Completion in a shell: complete, quick, and silent where no daemon runs."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ctl.harness import Ctl
from tests.ctl.scripted import OTHER_RUN, RUN

PRESS_TAB = """
eval "$(syncctl completion bash)"
COMP_WORDS=("$@" "")
COMP_CWORD=$#
_syncctl_completion syncctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs that has `syncctl`."""
    program = tmp_path / "syncctl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m syncctl "$@"\n')
    program.chmod(0o755)
    return tmp_path


def offered(ctl: Ctl, programs: Path, *words: str) -> list[str]:
    """What bash offers behind these words."""
    env = ctl._env() | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", PRESS_TAB, "bash", *words], env=env, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_bash_offers_what_the_daemon_knows(ctl: Ctl, programs: Path) -> None:
    assert in_time(lambda: offered(ctl, programs, "syncctl", "status"), ["customers", "products", "주문"])


def test_bash_is_offered_nothing_and_told_nothing_without_a_daemon(programs: Path) -> None:
    assert offered(Ctl(), programs, "syncctl", "follow") == []


def in_time(ask: Callable[[], list[str]], names: list[str]) -> bool:
    """Whether the names are offered at least once: on a busy machine the daemon may answer too late for a person's patience."""
    return any(ask() == names for _ in range(5))


def completed(ctl: Ctl, line: str, shell: str = "bash") -> list[str]:
    """What the program answers to the script of a shell."""
    words = line.split(" ")
    env = {
        "_SYNCCTL_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1 if shell != "fish" else words[-1]),
    }
    answer = ctl(env=env)
    assert answer.err == ""
    return answer.out.split()


@pytest.mark.parametrize(
    ("line", "names"),
    [
        pytest.param("syncctl re", ["reset", "resume"], id="commands"),
        pytest.param("syncctl show pro", ["products"], id="syncs"),
        pytest.param("syncctl follow ", [RUN, OTHER_RUN], id="runs"),
        pytest.param("syncctl cancel ", [OTHER_RUN], id="only runs under way can be cancelled"),
        pytest.param("syncctl run products --mode ", ["full", "verify"], id="modes of the sync"),
        pytest.param("syncctl run --mode ", [], id="without a sync no modes"),
    ],
)
def test_names_are_completed(ctl: Ctl, line: str, names: list[str]) -> None:
    assert in_time(lambda: [item.partition(",")[2] for item in completed(ctl, line)], names)


def test_zsh_and_fish_are_told_what_a_name_is(ctl: Ctl) -> None:
    assert in_time(lambda: completed(ctl, "syncctl show pro", "zsh"), ["plain", "products", "search"])
    assert in_time(lambda: completed(ctl, "syncctl show pro", "fish"), ["plain,products", "search"])


def test_a_daemon_that_does_not_answer_is_waited_for_no_longer_than_a_person_likes(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "s"))
        deaf.listen()
        began = time.monotonic()

        names = completed(Ctl(tmp_path / "s"), "syncctl show pro")

    assert names == []
    assert time.monotonic() - began < 8  # a call may take 10 s; the rest is room for a busy machine
