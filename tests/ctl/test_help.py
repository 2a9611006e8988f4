"""Help and completion: complete, and quick because nothing heavy is imported for them."""

import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise

import click
import pytest

from syncctl.__main__ import cli
from syncctl.examples import EXAMPLES
from syncctl.problems import Exit
from syncctl.session import Session
from tests.ctl.harness import Ctl

HEAVY = ["grpc", "google.protobuf", "rich", "yaml", "syncapi", "syncd"]
_LOADED = (
    "import sys; from syncctl.__main__ import main\ntry: main()\nfinally: print(*(n for n in {heavy} if n in sys.modules), file=sys.stderr)"
)


@pytest.mark.parametrize("words", [["syncctl", "re"], ["syncctl", "--out"], ["syncctl", "completion", ""]])
def test_nothing_heavy_is_imported_to_complete_what_no_daemon_knows(words: list[str]) -> None:
    program = _LOADED.format(heavy=HEAVY)
    press = {"_SYNCCTL_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}

    done = subprocess.run([sys.executable, "-c", program], env=os.environ | press, capture_output=True, text=True, timeout=20, check=False)

    assert done.stdout
    assert done.stderr.splitlines()[-1] == ""


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["completion", "bash"], ["statsu"]])
def test_nothing_heavy_is_imported_before_a_daemon_is_asked(words: list[str]) -> None:
    program = _LOADED.format(heavy=HEAVY)

    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=20, check=False)

    assert done.stderr.splitlines()[-1] == ""


def test_json_is_answered_without_rich(ctl: Ctl) -> None:
    program = _LOADED.format(heavy=["rich", "yaml", "syncd"])

    done = subprocess.run(
        [sys.executable, "-c", program, "status", "-o", "json"], env=ctl._env(), capture_output=True, text=True, timeout=20, check=False
    )

    assert (done.returncode, done.stderr) == (0, "\n")


def every_command(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        return [(path, command)]
    context = click.Context(command)
    loaded = [(name, command.resolve_command(context, [name])[1]) for name in command.list_commands(context)]
    return [found for name, child in loaded if child for found in every_command(child, (*path, name))]


COMMANDS = every_command(cli)


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_every_command_says_what_it_is_for_and_what_its_options_do(path: tuple[str, ...], command: click.Command) -> None:
    assert (command.help or "").strip()
    assert [param.name for param in command.params if isinstance(param, click.Option) and not param.help] == []
    if path != ("completion",):
        assert {"--output", "--address", "--timeout", "--debug"} <= {name for param in command.params for name in param.opts}


def help_of(*path: str) -> str:
    """What `--help` prints."""
    context = click.Context(cli, info_name="syncctl")
    for name in path:
        assert isinstance(context.command, click.Group)
        _, command, _ = context.command.resolve_command(context, [name])
        assert command
        context = click.Context(command, info_name=name, parent=context)
    return context.get_help()


@pytest.mark.parametrize("family", [name for name in cli.commands if name not in EXAMPLES])
def test_a_family_shows_an_example_of_each_of_its_commands(family: str) -> None:
    shown = help_of(family).partition("\nExamples:\n")[2].splitlines()

    assert [tuple(line.split()[1:3]) for line in shown] == [path for path, _ in COMMANDS if path[0] == family]


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS])
def test_every_command_has_examples_that_its_parser_takes(path: tuple[str, ...], command: click.Command) -> None:
    lines = EXAMPLES[" ".join(path)]

    for line in lines:
        [begin] = [at for at in range(len(line)) if line.startswith("syncctl ", at)]
        words = shlex.split(re.split(r"[|>)]", line[begin:])[0])
        assert tuple(words[1 : 1 + len(path)]) == path
        given = ["-" if before == "--file" else word for before, word in pairwise(words)][len(path) :]  # no file is opened
        command.make_context(path[-1], given, obj=Session())

    assert f"\n\nExamples:\n  {lines[0]}" in help_of(*path)


def test_the_help_lists_every_command_in_its_section() -> None:
    answer = Ctl()("--help")

    assert answer.code == 0
    listed = [
        line.split()[0]
        for line in answer.out.partition("\nLook:\n")[2].partition("\nExit codes:\n")[0].splitlines()
        if line.startswith("  ")
    ]
    assert listed == list(cli.commands) == sorted(listed, key=listed.index)
    assert set(listed) == {path[0] for path, _ in COMMANDS}


def test_the_help_tells_what_every_exit_code_means() -> None:
    answer = Ctl()("--help")

    told = [line.split()[0] for line in answer.out.partition("\nExit codes:\n")[2].splitlines()]
    assert told == [str(code.value) for code in Exit]


@pytest.mark.parametrize(
    ("shell", "begins"), [("bash", "_syncctl_completion()"), ("zsh", "#compdef syncctl"), ("fish", "function _syncctl_completion")]
)
def test_the_completion_script_is_printed(shell: str, begins: str) -> None:
    answer = Ctl()("completion", shell)

    assert answer.code == 0
    assert answer.out.lstrip().startswith(begins)
