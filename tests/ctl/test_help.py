"""Help and completion: complete, and quick because nothing heavy is imported for them."""

import subprocess
import sys

import click
import pytest

from syncctl.__main__ import cli
from tests.ctl.harness import Ctl

HEAVY = ["grpc", "google.protobuf", "rich", "yaml", "syncapi", "syncd"]
_LOADED = (
    "import sys; from syncctl.__main__ import main\ntry: main()\nfinally: print(*(n for n in {heavy} if n in sys.modules), file=sys.stderr)"
)


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
        assert {"--output", "--address", "--debug"} <= {name for param in command.params for name in param.opts}


def test_the_help_lists_every_command_in_its_section() -> None:
    answer = Ctl()("--help")

    assert answer.code == 0
    listed = [line.split()[0] for line in answer.out.partition("\nLook:\n")[2].splitlines() if line.startswith("  ")]
    assert listed == list(cli.commands) == sorted(listed, key=listed.index)
    assert set(listed) == {path[0] for path, _ in COMMANDS}


@pytest.mark.parametrize(
    ("shell", "begins"), [("bash", "_syncctl_completion()"), ("zsh", "#compdef syncctl"), ("fish", "function _syncctl_completion")]
)
def test_the_completion_script_is_printed(shell: str, begins: str) -> None:
    answer = Ctl()("completion", shell)

    assert answer.code == 0
    assert answer.out.lstrip().startswith(begins)


def completed(ctl: Ctl, line: str) -> list[str]:
    words = line.split(" ")
    env = {"_SYNCCTL_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    answer = ctl(env=env)
    assert answer.err == ""
    return [item.partition(",")[2] for item in answer.out.splitlines() if item]


def test_commands_and_names_of_syncs_are_completed(ctl: Ctl) -> None:
    assert completed(ctl, "syncctl re") == ["reset", "resume"]
    assert completed(ctl, "syncctl show pro") == ["products"]


def test_without_a_daemon_completion_is_silent() -> None:
    assert completed(Ctl(), "syncctl show pro") == []
