"""Rows that the target will never take."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import click

from syncapi.v1.control_pb2 import DeadLetter, DiscardDeadLettersRequest, ListDeadLettersRequest, RetryDeadLettersRequest
from syncctl import follow, render, report_view, stamps, words
from syncctl.cli import SOME, SYNC, Family, confirmed
from syncctl.connection import connect, gathered
from syncctl.problems import Exit, Problem
from syncctl.session import Session
from syncctl.view import Block, Column, Facts, Heading, Line, Span, Table, quiet

_COLUMNS = [
    Column("ID", right=True),
    Column("SYNC", whole=True),
    Column("KEY"),
    Column("CODE", whole=True),
    Column("REASON", least=20),
    Column("TRIES", right=True, spare=1),
    Column("LAST SEEN", whole=True, spare=2),
]


@click.group("dead-letters", cls=Family)
def dead_letters() -> None:
    """A row stands here until the target takes it: after it was mended in the source, or by `retry`."""


@dead_letters.command("list")
@click.argument("sync", type=SYNC, required=False, default="")
@click.option("--limit", type=SOME, default=100, show_default=True, help="At most so many.")
@click.pass_obj
def list_letters(session: Session, *, sync: str, limit: int) -> None:
    """Dead letters, oldest first."""
    with connect(session) as daemon:
        reply = gathered(
            lambda token: daemon.ask(
                daemon.control.ListDeadLetters, ListDeadLettersRequest(sync=sync, page_size=min(limit, 1000), page_token=token)
            ),
            lambda page: len(page.dead_letters) >= limit,
        )
    del reply.dead_letters[limit:]
    render.answer(session, reply, lambda: _listed(reply.dead_letters))


def _listed(letters: Sequence[DeadLetter]) -> Iterator[Block]:
    now = datetime.now(UTC)
    yield Table(_COLUMNS, [_row(letter, now) for letter in letters]) if letters else Line(quiet("no dead letters"))


def _row(letter: DeadLetter, now: datetime) -> list[str | Span]:
    seen = stamps.ago(letter.last_seen_at, now)
    return [
        str(letter.id),
        Span(letter.sync, "strong"),
        letter.key_json,
        Span(letter.code, "warn"),
        letter.reason,
        str(letter.attempts),
        seen,
    ]


@dead_letters.command("show")
@click.argument("letter", metavar="ID", type=int)
@click.pass_obj
def show(session: Session, *, letter: int) -> None:
    """One dead letter with its document."""
    with connect(session) as daemon:
        reply = daemon.ask(daemon.control.ListDeadLetters, ListDeadLettersRequest(ids=[letter], with_documents=True))
    if not reply.dead_letters:
        raise Problem(f"no dead letter {letter}", hint="all of them: `syncctl dead-letters list`", code=Exit.NOT_FOUND)
    render.answer(session, reply, lambda: _in_full(reply.dead_letters[0], datetime.now(UTC)))


def _in_full(letter: DeadLetter, now: datetime) -> Iterator[Block]:
    yield Line((Span(f"{letter.sync} {letter.key_json}", "strong"), "  ", Span(letter.code, "warn")))
    yield Facts(
        [
            ("reason", letter.reason),
            ("refused", words.plural(letter.attempts, "time")),
            ("first seen", stamps.both(letter.first_seen_at, now)),
            ("last seen", stamps.both(letter.last_seen_at, now)),
            ("last run", letter.run),
        ],
        indent=2,
    )
    yield Heading("Document")
    try:
        document = json.loads(letter.document)
    except ValueError:  # cut, or none
        yield Line(letter.document or quiet("none"), indent=2)
    else:
        yield from report_view.blocks(document, indent=2)


@dead_letters.command("retry")
@click.argument("sync", type=SYNC)
@click.option("--detach", is_flag=True, help="Do not follow the run; print its id.")
@follow.following_options
@click.pass_obj
def retry(session: Session, *, sync: str, detach: bool, reconnect: timedelta) -> Exit:
    """Read the rows anew and store what the target now takes."""
    with connect(session) as daemon:
        reply = daemon.ask(daemon.control.RetryDeadLetters, RetryDeadLettersRequest(sync=sync))
        return follow.started(session, daemon, reply, follow.Following(reconnect, detach))


@dead_letters.command("discard")
@click.argument("sync", type=SYNC)
@click.argument("letters", metavar="[ID]...", nargs=-1, type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def discard(session: Session, *, sync: str, letters: tuple[int, ...], yes: bool) -> Exit:
    """Forget dead letters, all of the sync if no ID is given.

    Their rows are looked at again when they change, or by the next full run.
    """
    which = words.plural(len(letters), "dead letter") if letters else "all dead letters"
    if not confirmed(f"Forget {which} of {sync}?", yes=yes):
        return Exit.FAILED
    with connect(session) as daemon:
        reply = daemon.ask(daemon.control.DiscardDeadLetters, DiscardDeadLettersRequest(sync=sync, ids=letters))
    render.answer(session, reply, lambda: [Line(f"{words.plural(reply.discarded, 'dead letter')} of {sync} forgotten")])
    return Exit.DONE
