"""Every command in the README is run, or at least understood by the program that it is for."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest

from syncctl.__main__ import cli
from syncctl.session import Session
from tests.system.waiting import until

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
BLOCK = re.compile(r"^```(?P<kind>shell|console)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
WORD = re.compile(r"\b[^\W\d]{3,}\b")
TIMES = {"min", "now", "ago"}
"""Words that come and go with the clock."""
PLACE = "/tmp/tour"
"""Where the tour of the README takes place; here it is another folder."""


@dataclass(slots=True)
class Shown:
    """A command of the tour, and what the README says that it prints."""

    command: str
    output: list[str] = field(default_factory=list)


def tour() -> list[Shown]:
    """The commands of all `console` blocks, in order."""
    shown: list[Shown] = []
    for block in BLOCK.finditer(README):
        if block["kind"] == "console":
            for line in block["text"].splitlines():
                if line.startswith("$ "):
                    shown.append(Shown(line.removeprefix("$ ")))
                else:
                    shown[-1].output.append(line)
    return shown


def others() -> list[str]:
    """The commands of all `shell` blocks, without remarks."""
    blocks = [block["text"] for block in BLOCK.finditer(README) if block["kind"] == "shell"]
    return [shlex.join(words) for text in blocks for line in text.splitlines() if (words := shlex.split(line, comments=True))]


def understood(arguments: Sequence[str]) -> None:
    """Read a command line of `syncctl` as it would itself, without doing it. Raises `click.UsageError`."""
    context = cli.make_context("syncctl", list(arguments), obj=Session())
    while isinstance(context.command, click.Group):
        rest = [*context._protected_args, *context.args]
        name, command, rest = context.command.resolve_command(context, rest)
        assert command is not None
        context = command.make_context(name, rest, parent=context)


class Terminal:
    """A shell of a person who follows the tour. Commands with `&` go on until they are killed."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._behind: list[subprocess.Popen[bytes]] = []
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._environment = os.environ | {"PATH": path, "COLUMNS": "200"}

    def type(self, command: str) -> str:
        """Run a command to its end; what it printed."""
        command = command.replace(PLACE, str(self._place))
        if command == ". .venv/bin/activate":
            return ""
        if exported := re.fullmatch(r"export (\w+)=(\S+)", command):
            self._environment[exported[1]] = exported[2]
            return ""
        if command.endswith("&"):
            self._start(command.removesuffix("&"))
            return ""
        if command == "kill %1":
            return self._stop()
        result = subprocess.run(["bash", "-c", command], cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"$ {command}\n{result.stdout}{result.stderr}"
        return result.stdout.replace(str(self._place), PLACE)

    def close(self) -> None:
        for process in self._behind:
            process.kill()
            process.wait()

    def _start(self, command: str) -> None:
        self._behind.append(subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=ROOT, env=self._environment))
        until(self._answers, "syncd takes calls")

    def _answers(self) -> bool:
        asked = subprocess.run(["syncctl", "daemon", "info"], cwd=ROOT, env=self._environment, capture_output=True, check=False)
        return asked.returncode == 0

    def _stop(self) -> str:
        process = self._behind.pop()
        process.send_signal(signal.SIGTERM)
        assert process.wait(45) == 0
        return ""


@contextmanager
def terminal(place: Path) -> Iterator[Terminal]:
    opened = Terminal(place)
    try:
        yield opened
    finally:
        opened.close()


@pytest.mark.timeout(180)
def test_the_tour_prints_what_the_readme_shows(tmp_path: Path) -> None:
    with terminal(tmp_path) as shell:
        for shown in tour():
            printed = set(WORD.findall(shell.type(shown.command)))

            expected = {word for line in shown.output for word in WORD.findall(line)} - TIMES
            assert expected <= printed, f"$ {shown.command} does not print {expected - printed}"


def test_the_tour_is_long_enough_to_be_one() -> None:
    commands = [shown.command for shown in tour()]

    assert sum(command.startswith("syncctl") for command in commands) >= 10
    assert sum(bool(shown.output) for shown in tour()) >= 5


@pytest.mark.parametrize("command", others())
def test_the_program_understands_the_command(command: str) -> None:
    program, *arguments = shlex.split(command)

    if program == "make":
        assert re.search(rf"^{arguments[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif program == "syncctl":
        understood(arguments)
    else:
        assert program == "syncd"
        assert "--settings" in arguments


@pytest.mark.parametrize("wrong", ["nonsense", "full", "status --nonsense", "dead-letters nonsense products"])
def test_a_command_that_syncctl_does_not_know_is_noticed(wrong: str) -> None:
    with pytest.raises(click.UsageError):
        understood(shlex.split(wrong))
