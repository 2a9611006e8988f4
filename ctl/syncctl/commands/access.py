"""Who the daemon takes us for, and tokens."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import click
from google.protobuf.duration_pb2 import Duration

from syncapi.v1 import access_pb2 as pb
from syncctl import render, stamps
from syncctl.cli import DURATION, Family, command
from syncctl.connection import connect, gathered
from syncctl.session import Session
from syncctl.view import Block, Cell, Column, Facts, Line, Span, Table, quiet

_COLUMNS = [
    Column("ID", whole=True),
    Column("NAME", whole=True),
    Column("ROLE", whole=True),
    Column("STATE", whole=True),
    Column("LAST USED", whole=True, spare=1),
    Column("MADE BY", spare=2),
]
_LIFETIME = timedelta(days=90)


@command("whoami")
@click.pass_obj
def whoami(session: Session) -> None:
    """What the audit log calls you, and what you may do."""
    with connect(session) as daemon:
        reply = daemon.ask(daemon.access.WhoAmI, pb.WhoAmIRequest())
    render.answer(session, reply, lambda: [_me(reply)])


def _me(reply: pb.WhoAmIResponse) -> Facts:
    facts: list[tuple[str, Cell]] = [("actor", reply.actor), ("role", _role(reply.role))]
    if reply.token:
        facts.append(("token", reply.token))
    return Facts(facts)


@click.group("token", cls=Family)
def token() -> None:
    """A token is given to a program in $SYNCD_TOKEN, or in a file that $SYNCD_TOKEN_FILE names."""


@token.command("create")
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["viewer", "operator", "admin"]), default="viewer", show_default=True, help="What its bearer may do."
)
@click.option("--expires", type=DURATION, default=_LIFETIME, show_default="90d", help="How long it lives, such as 12h or 30d.")
@click.option("--never-expires", is_flag=True, help="It lives until it is revoked.")
@click.pass_obj
def create(session: Session, *, name: str, role: str, expires: timedelta, never_expires: bool) -> None:
    """Make a token. It is shown this once."""
    request = pb.CreateTokenRequest(name=name, role=pb.Role.Value(f"ROLE_{role.upper()}"))
    if not never_expires:
        request.lifetime.CopyFrom(_length(expires))
    with connect(session) as daemon:
        reply = daemon.ask(daemon.access.CreateToken, request)
    render.answer(session, reply, lambda: [Line(reply.secret)])
    if session.for_people:
        click.echo(f"{_told(reply.token)}; keep it now, it is not shown again", err=True)


def _length(span: timedelta) -> Duration:
    length = Duration()
    length.FromTimedelta(span)
    return length


def _told(made: pb.Token) -> str:
    until = f"until {made.expires_at.ToDatetime(UTC):%Y-%m-%d %H:%M} UTC" if made.HasField("expires_at") else "until it is revoked"
    return f"token {made.id} ({made.name}) gives the role {_role(made.role)} {until}"


@token.command("list")
@click.pass_obj
def list_tokens(session: Session) -> None:
    """All tokens, without their secrets."""
    with connect(session) as daemon:
        reply = gathered(lambda page: daemon.ask(daemon.access.ListTokens, pb.ListTokensRequest(page_size=1000, page_token=page)))
    render.answer(session, reply, lambda: _listed(reply.tokens))


def _listed(tokens: Sequence[pb.Token]) -> Iterator[Block]:
    now = datetime.now(UTC)
    yield Table(_COLUMNS, [_row(each, now) for each in tokens]) if tokens else Line(quiet("no tokens"))


def _row(each: pb.Token, now: datetime) -> list[Cell]:
    used: Cell = stamps.ago(each.last_used_at, now) if each.HasField("last_used_at") else quiet("never")
    return [each.id, Span(each.name, "strong"), _role(each.role), _state(each, now), used, each.created_by]


def _state(each: pb.Token, now: datetime) -> Cell:
    if each.HasField("revoked_at"):
        return Span("revoked", "bad")
    if not each.HasField("expires_at"):
        return Span("good", "good")
    until = each.expires_at.ToDatetime(UTC)
    return Span("expired", "warn") if until <= now else Span(f"until {until:%Y-%m-%d}", "good")


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@click.pass_obj
def revoke(session: Session, *, token_id: str) -> None:
    """End a token at once."""
    with connect(session) as daemon:
        reply = daemon.ask(daemon.access.RevokeToken, pb.RevokeTokenRequest(id=token_id))
    render.answer(session, reply, lambda: [Line(f"token {reply.token.id} ({reply.token.name}) opens nothing any more")])


def _role(role: pb.Role.ValueType) -> str:
    return pb.Role.Name(role).removeprefix("ROLE_").lower()
