"""An answer in the form that was asked for: a view for people, JSON or YAML for programs."""

import sys
from collections.abc import Callable, Iterable

import click
from google.protobuf.json_format import MessageToDict, MessageToJson
from google.protobuf.message import Message

from syncctl import words
from syncctl.session import Session
from syncctl.view import Block, Cell


def answer(session: Session, reply: Message, view: Callable[[], Iterable[Block]]) -> None:
    """Write one answer."""
    if session.output == "table":
        show(view())
    elif session.output == "yaml":
        sys.stdout.write(_yaml(reply))
    else:
        sys.stdout.write(_json(reply, indent=2) + "\n")
    sys.stdout.flush()


def item(session: Session, message: Message) -> None:
    """Write one message of a stream for programs: a line of JSON, or one YAML document."""
    sys.stdout.write(f"---\n{_yaml(message)}" if session.output == "yaml" else _json(message, indent=None) + "\n")
    sys.stdout.flush()


def show(blocks: Iterable[Block]) -> None:
    """Write a view to standard output."""
    from syncctl import paint  # noqa: PLC0415 - a program that reads JSON does not wait for it

    paint.show(blocks, sys.stdout)
    sys.stdout.flush()


def log(lines: Iterable[Cell]) -> None:
    """Write lines of a log that grows to standard output, each at once and unbroken."""
    from syncctl import paint  # noqa: PLC0415 - see above

    for line in lines:
        sys.stdout.write(paint.painted(line, sys.stdout))
    sys.stdout.flush()


def lost(why: str) -> None:
    """Tell a person that the daemon is gone for this reason; empty when it is back."""
    click.echo(words.connection(why), err=True)


def _json(message: Message, indent: int | None) -> str:
    return MessageToJson(message, indent=indent, always_print_fields_with_no_presence=True, ensure_ascii=False)


def _yaml(message: Message) -> str:
    import yaml  # noqa: PLC0415 - few ask for it

    text: str = yaml.safe_dump(MessageToDict(message, always_print_fields_with_no_presence=True), sort_keys=False, allow_unicode=True)
    return text
