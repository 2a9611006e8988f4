"""The grammar: commands that are imported when called, options that every command understands, and types of values."""

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

from syncctl import deadline, words
from syncctl.problems import MEANINGS, Exit, Problem
from syncctl.session import Session

_TLS = {
    "--tls-ca": "Over TCP: whose certificates the daemon may show.  [default: $SYNCD_TLS_CA, or those that all programs trust]",
    "--tls-cert": "Over TCP: the certificate to show instead of a token.  [default: $SYNCD_TLS_CERT]",
    "--tls-key": "The key of --tls-cert.  [default: $SYNCD_TLS_KEY]",
}


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value:
        setattr(ctx.ensure_object(Session), param.name or "", value)


def _limit(ctx: click.Context, param: click.Parameter, value: timedelta | None) -> None:
    del param
    if value and not ctx.resilient_parsing:
        deadline.start(value)


def shared_options() -> list[click.Parameter]:
    """Options that may stand before or behind the command."""
    return [
        click.Option(
            ["-o", "--output"],
            type=click.Choice(["table", "json", "yaml"]),
            metavar="FORMAT",
            callback=_remember,
            expose_value=False,
            help="table for people (default), json or yaml for programs.",
        ),
        click.Option(
            ["--address"],
            metavar="ADDRESS",
            callback=_remember,
            expose_value=False,
            help="Where the daemon listens: unix:PATH, PATH or HOST:PORT.  [default: $SYNCD_ADDRESS, or a usual socket that answers]",
        ),
        *(click.Option([name], metavar="FILE", callback=_remember, expose_value=False, help=what) for name, what in _TLS.items()),
        click.Option(
            ["--timeout"],
            type=DURATION,
            callback=_limit,
            expose_value=False,
            help="Give up after so long, such as 30s or 5m (exit 124). A run that was started goes on.",
        ),
        click.Option(["--debug"], is_flag=True, callback=_remember, expose_value=False, help="Show what the wire said about an error."),
    ]


class Answering(click.Command):
    """A command that understands the shared options, and whose help ends with an example."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += shared_options()

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        examples(ctx, formatter)


def examples(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write how a command is called."""
    from syncctl.examples import EXAMPLES  # noqa: PLC0415 - only its help shows them

    path = ctx.command_path.removeprefix(ctx.find_root().command_path).strip()
    lines = EXAMPLES.get(path) or [lines[0] for name, lines in EXAMPLES.items() if name.startswith(f"{path} ")]
    with formatter.section("Examples"):
        for line in lines:
            formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class Family(click.Group):
    """Commands under one noun, in the order in which they stand in the code."""

    command_class = Answering

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += shared_options()

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        examples(ctx, formatter)


class Later(click.Command):
    """A line of the help, standing in for a command whose module is not needed yet."""

    def __init__(self, name: str, target: str, purpose: str) -> None:
        super().__init__(name, short_help=purpose)
        self._target = target

    def load(self) -> click.Command:
        module, _, attribute = self._target.partition(":")
        command = cast("click.Command", getattr(importlib.import_module(module), attribute))
        purpose, more = f"{self.short_help}.", inspect.cleandoc(command.help or "")
        command.help = more if more.startswith(purpose) else f"{purpose}\n\n{more}".rstrip()
        return command


class Root(click.Group):
    """The whole tool: sections of commands, a quiet end when the reader of a pipe has gone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += shared_options()
        self.sections: dict[str, list[Later]] = {}

    def section(self, title: str, commands: Mapping[str, tuple[str, str]]) -> None:
        """Add commands by name: where each lives, and what it is for."""
        self.sections[title] = [Later(name, target, purpose) for name, (target, purpose) in commands.items()]
        for command in self.sections[title]:
            self.add_command(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        longest = max(map(len, self.list_commands(ctx)))
        for title, commands in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(f"{command.name:<{longest}}", command.short_help or "") for command in commands])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Exit codes"):
            formatter.write_dl([(f"{code.value:<3}", meaning) for code, meaning in MEANINGS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Later) else command, rest

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with deadline.ended():
                result = super().invoke(ctx)
                sys.stdout.flush()
        except BrokenPipeError:
            _give_up_output()
            return Exit.BROKEN_PIPE
        except OSError as error:
            _give_up_output()
            raise Problem(f"the answer cannot be written: {error.strerror}") from error
        return result


def _give_up_output() -> None:
    """Let what is still buffered go nowhere, or the interpreter would complain at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of its own; its docstring says what the one line in the help does not."""
    return click.command(name, cls=Answering)


class NameType(click.ParamType[str]):
    """A name that the daemon knows; completed by asking it, in silence if it does not answer at once."""

    def __init__(self, name: str, asked: str) -> None:
        self.name = name
        self._asked = asked

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        del param
        names = self.known(ctx, getattr(importlib.import_module("syncctl.names"), self._asked))  # only a TAB needs it
        # a comma would end the description in fish
        return [CompletionItem(name, help=what.replace(",", ";")) for name, what in names if name.startswith(incomplete)]

    def known(self, ctx: click.Context, ask: Callable[..., list[tuple[str, str]]]) -> list[tuple[str, str]]:
        return ask(ctx.ensure_object(Session))


class ModeType(NameType):
    """A way to run the sync that was named before."""

    def known(self, ctx: click.Context, ask: Callable[..., list[tuple[str, str]]]) -> list[tuple[str, str]]:
        sync = ctx.params.get("sync") or next(iter(ctx.args), "")  # an option without its value ends the parsing early
        return ask(ctx.ensure_object(Session), sync) if sync else []


class CountType(click.ParamType[int]):
    """A whole number from 0, or from 1 where 0 makes no sense."""

    name = "n"

    def __init__(self, least: int) -> None:
        self._least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if not text.isascii() or not text.isdecimal() or int(text) < self._least:
            self.fail(f"expected a whole number from {self._least}, got {text!r}", param, ctx)
        return int(text)


class DurationType(click.ParamType[timedelta]):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            return words.parse_duration(value)
        except (ValueError, OverflowError) as error:
            self.fail(str(error), param, ctx)


class MomentType(click.ParamType[datetime]):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return words.parse_moment(value, datetime.now(UTC))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class PairType(click.ParamType[tuple[str, str]]):
    name = "key=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return cast("tuple[str, str]", value)
        key, separator, text = str(value).partition("=")
        if not key or not separator:
            self.fail(f"expected KEY=VALUE, got {value!r}", param, ctx)
        return key, text


SYNC, RUN, RUN_UNDER_WAY, MODE = (
    NameType("sync", "syncs"),
    NameType("run", "runs"),
    NameType("run", "runs_under_way"),
    ModeType("mode", "modes"),
)
DURATION, MOMENT, PAIR = DurationType(), MomentType(), PairType()
COUNT, SOME = CountType(0), CountType(1)


def confirmed(question: str, *, yes: bool) -> bool:
    """Ask a person, unless the answer was given already. Raises `UsageError` where nobody is there to answer."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Add --yes to do it without being asked.", click.get_current_context())
    return click.confirm(question, err=True)
