"""The manual page of `syncctl`, from the commands themselves: `python -m tools.man_page [FILE]`; `make proto` calls it."""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from syncctl.__main__ import cli
from syncctl.cli import Later, shared_options
from syncctl.examples import EXAMPLES
from syncctl.problems import MEANINGS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/syncctl.1"
_SHARED: set[str | None] = {option.name for option in shared_options()}
_ENVIRONMENT = {
    "SYNCD_ADDRESS": "Where the daemon listens, as with --address.",
    "SYNCD_TOKEN": "The token that says who calls; see `syncctl token create`.",
    "SYNCD_TOKEN_FILE": "A file with the token, readable for its owner only.",
    "SYNCD_TLS_CA, SYNCD_TLS_CERT, SYNCD_TLS_KEY": "Files, as with --tls-ca, --tls-cert and --tls-key.",
    "NO_COLOR": "If set, nothing is coloured.",
}
_FILES = {
    "$XDG_RUNTIME_DIR/syncd/syncd.sock": "Where a person's own daemon listens.",
    "/run/syncd/syncd.sock": "Where the daemon of the machine listens.",
}


def page() -> str:
    """The page as roff."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield '.\\" Made by `make proto` from the commands; changes belong there.'
    yield '.TH SYNCCTL 1 "" "syncd" "User Commands"'
    yield from (".SH NAME", r"syncctl \- watch and steer syncd")
    yield from (".SH SYNOPSIS", ".B syncctl", r"[\fIOPTIONS\fR] \fICOMMAND\fR [\fIARGS\fR]...")
    yield from (".SH DESCRIPTION", _text(cli.help or ""), "Options that stand before a command may as well stand behind it.")
    yield ".SH OPTIONS"
    yield from _options(cli, click.Context(cli, info_name="syncctl"))
    for title, commands in cli.sections.items():
        yield f'.SH "{title.upper()}"'
        for command in commands:
            yield from _command(command.load(), (command.name or "",))
    yield from _listed("EXIT STATUS", {str(code.value): meaning for code, meaning in MEANINGS.items()})
    yield from _listed("ENVIRONMENT", _ENVIRONMENT)
    yield from _listed("FILES", _FILES)


def _command(command: click.Command, path: Sequence[str]) -> Iterator[str]:
    """A command, and those below it."""
    context = click.Context(command, info_name=" ".join(path))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child:
                yield from _command(child.load() if isinstance(child, Later) else child, (*path, name))
        return
    arguments = [_text(piece) for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    yield f'.SS "{_text(" ".join(["syncctl", *path, *arguments]))}"'
    yield from _paragraphs(command.help or "")
    yield from _options(command, context, but=_SHARED)
    for line in EXAMPLES.get(" ".join(path), ()):
        yield from (".PP", ".RS", ".nf", _text(line), ".fi", ".RE")


def _options(command: click.Command, context: click.Context, but: set[str | None] | None = None) -> Iterator[str]:
    for param in command.params:
        record = param.get_help_record(context) if isinstance(param, click.Option) else None
        if record and param.name not in (but or ()):
            yield from (".TP", rf"\fB{_text(record[0])}\fR", _text(record[1]))


def _listed(title: str, members: dict[str, str]) -> Iterator[str]:
    yield f'.SH "{title}"'
    for name, meaning in members.items():
        yield from (".TP", rf"\fB{_text(name)}\fR", _text(meaning))


def _paragraphs(text: str) -> Iterator[str]:
    for position, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        yield from [".PP"] * bool(position)
        yield _text(paragraph)


def _text(text: str) -> str:
    """On one line, without letters that mean something to roff."""
    line = " ".join(text.replace("\b", "").split())
    for letter, name in {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}.items():
        line = line.replace(letter, name)
    line = "".join(letter if letter.isascii() else rf"\[u{ord(letter):04X}]" for letter in line)
    return rf"\&{line}" if line.startswith(".") else line


def main(arguments: Sequence[str]) -> None:
    (Path(arguments[0]) if arguments else PAGE).write_text(page())


if __name__ == "__main__":
    main(sys.argv[1:])
