"""`syncctl`: the table of commands, and how the program ends."""

import os
import sys
import traceback
from types import TracebackType
from typing import NoReturn

import click

from syncctl.cli import Root
from syncctl.problems import Exit, Problem
from syncctl.session import Session
from syncctl.words import printable


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="syncd", prog_name="syncctl", message="%(prog)s %(version)s")
def cli() -> None:
    """Watch and steer syncd, the daemon that keeps derived copies in step with their source."""


cli.section(
    "Look",
    {
        "status": ("syncctl.commands.status:status", "All syncs at a glance; -w keeps it live"),
        "top": ("syncctl.commands.top:top", "All syncs on a full screen, with keys to steer them"),
        "show": ("syncctl.commands.status:show", "One sync: settings in force, checkpoint, last runs, modes"),
        "runs": ("syncctl.commands.runs:runs", "Runs, newest first"),
        "run-show": ("syncctl.commands.runs:run_show", "One run and what it found"),
        "audit": ("syncctl.commands.audit:audit", "Who did what, and when"),
        "logs": ("syncctl.commands.logs:logs", "What the daemon says while it works; -f follows it"),
        "whoami": ("syncctl.commands.access:whoami", "Who the daemon takes you for, and what you may do"),
    },
)
cli.section(
    "Run",
    {
        "incremental": ("syncctl.commands.run:incremental", "Bring over what changed since the last run"),
        "full": ("syncctl.commands.run:full", "Bring over everything"),
        "verify": ("syncctl.commands.run:verify", "Compare source and target; exits 1 on drift"),
        "plan": ("syncctl.commands.run:plan", "Tell what a run would do, changing nothing"),
        "run": ("syncctl.commands.run:run", "Start a run in any mode"),
        "follow": ("syncctl.commands.runs:follow_run", "Follow a run to its end"),
        "cancel": ("syncctl.commands.runs:cancel", "End a run after its current batch"),
    },
)
cli.section(
    "Find out why",
    {
        "explain": ("syncctl.commands.explain:explain", "Why a run began, what it did, and what came of it"),
        "doctor": ("syncctl.commands.run:doctor", "Look for what will give trouble; exits 1 if something will"),
        "explain-row": ("syncctl.commands.run:explain_row", "Where one row stands, from source to target"),
        "dead-letters": ("syncctl.commands.dead_letters:dead_letters", "Rows that the target refused: list, show, retry, discard"),
        "connections": ("syncctl.commands.connections:connections", "Try the connections to the outside systems"),
    },
)
cli.section(
    "Metadata for text-to-SQL",
    {
        "metadata": ("syncctl.commands.metadata:metadata", "A warehouse described: get, refresh, compare, go back"),
    },
)
cli.section(
    "AI coding clients",
    {
        "clients": ("syncctl.commands.clients:clients", "One configuration for several clients, and its versions"),
        "conflicts": ("syncctl.commands.conflicts:conflicts", "Where clients disagree: list, show, resolve"),
    },
)
cli.section(
    "Steer",
    {
        "pause": ("syncctl.commands.steer:pause", "Start no more runs of a sync"),
        "resume": ("syncctl.commands.steer:resume", "End a pause or a halt"),
        "reset": ("syncctl.commands.steer:reset", "Forget the checkpoint: the next run starts from the beginning"),
        "daemon": ("syncctl.commands.daemon:daemon", "The daemon itself: info, reload"),
        "token": ("syncctl.commands.access:token", "Tokens for programs: create, list, revoke"),
    },
)
cli.section(
    "This tool",
    {
        "completion": ("syncctl.commands.completion:completion", "Print the script that completes commands and names of syncs"),
        "version": ("syncctl.commands.daemon:version", "Versions of this client and of the daemon"),
    },
)


def program() -> NoReturn:
    """Run the command line of this process and end it as it stands: to take gRPC and Python apart would cost a third of a short command."""
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or Exit.FAILED
    os._exit(code)


def main() -> int:
    """Run the command line of this process; the answer is the exit code that fits."""
    for stream in (sys.stdout, sys.stderr):
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what goes wrong is told once, by us
    session = Session()
    sys.excepthook = lambda kind, error, trace: _unforeseen(session, (kind, error, trace))
    return _run(session)


def _run(session: Session) -> int:
    try:
        return int(cli.main(prog_name="syncctl", standalone_mode=False, obj=session) or Exit.DONE)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "syncctl"
        _say("error", error.format_message(), hint=f"see `{path} --help`")
        return Exit.USAGE
    except click.ClickException as error:
        _say("error", error.format_message())
        return error.exit_code
    except click.Abort:
        return Exit.INTERRUPTED
    except SystemExit as end:  # click ends so behind a completion, and where nobody reads on
        return int(end.code or Exit.DONE)
    except Problem as problem:
        _say(problem.label, str(problem), hint=problem.hint)
        if session.debug and problem.debug:
            click.echo(problem.debug, err=True)
        return problem.code


def _say(label: str, message: str, hint: str = "") -> None:
    colour = False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None
    click.echo(
        f"{click.style(f'{label}:', fg='red' if label == 'error' else 'yellow', bold=True)} {printable(message)}", err=True, color=colour
    )
    if hint:
        click.echo(f" {click.style('hint:', fg='cyan')} {printable(hint)}", err=True, color=colour)


def _unforeseen(session: Session, error: tuple[type[BaseException], BaseException, TracebackType | None]) -> None:
    kind, what, _ = error
    if kind is KeyboardInterrupt:
        return
    if session.debug:
        traceback.print_exception(*error)
    _say("error", f"syncctl itself failed: {kind.__name__}: {what}", hint="" if session.debug else "--debug shows where")


if __name__ == "__main__":
    program()
