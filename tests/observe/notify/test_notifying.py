"""Real messages over real HTTP and to real commands, from a daemon at work."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from syncd.domain.errors import PermanentError
from syncd.observe.notify.notifying import notifying
from syncd.observe.parts import Parts
from syncd.ports.ledger import AuditQuery
from syncd.ports.running import Progress, Report, RunContext
from syncd.settings.notify import NotifySection
from tests.runtime.world import Play, World, opened, sync, written
from tests.servers.http import served

TOKEN = "s3cret-token"
MEMBERS = (Path(__file__).resolve().parents[3] / "docs/notices.md").read_text().partition("| Member |")[2]


@dataclass
class Inbox:
    """What a webhook got, and what it answers: the answers in turn, then 200."""

    answers: list[int] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    async def has(self, count: int) -> list[dict[str, Any]]:
        """The messages once there are so many."""
        for _ in range(200):
            if len(self.messages) >= count:
                return self.messages
            await asyncio.sleep(0.05)
        raise AssertionError(f"there are {len(self.messages)} messages, not {count}: {self.messages}")


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with listening() as found:
        yield found


@contextmanager
def listening() -> Iterator[Inbox]:
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = inbox.answers.pop(0) if inbox.answers else 200
            if answer == 200:
                inbox.headers.append(dict(self.headers))
                inbox.messages.append(json.loads(body))
            self.send_response(answer)
            if answer == 302:
                self.send_header("Location", inbox.url)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with served(Handler) as port:
        inbox.url = f"http://127.0.0.1:{port}/hook"
        yield inbox


def channel(**more: object) -> NotifySection:
    return NotifySection.model_validate(more)


@asynccontextmanager
async def told(folder: Path, play: Play, *sections: NotifySection, syncs: str = "") -> AsyncIterator[World]:
    async with opened(folder, play, syncs or sync("a")) as world, notifying(sections, world.ledger, world.daemon.warnings, Parts()):
        yield world


def script(*ends: PermanentError | None) -> Play:
    """A sync `a` whose runs end so, one after the other."""
    left = list(ends)

    async def work(context: RunContext) -> Report:
        if error := left.pop(0):
            raise error
        return Report()

    return Play({"a": work})


def bad(code: str = "source.mismatch") -> PermanentError:
    return PermanentError("no such table", hint="look there", code=code)


async def runs(world: World, count: int) -> None:
    for _ in range(count):
        await world.ended(await world.begin("a"))


async def entries(world: World, action: str) -> Sequence[Any]:
    return [found.entry for found in await world.ledger.audit.query(AuditQuery(action=action))]


async def test_a_halt_and_the_recovery_from_it_are_posted_once_each(tmp_path: Path, inbox: Inbox) -> None:
    async with told(tmp_path, script(bad(), None, None), channel(webhook=inbox.url)) as world:
        await runs(world, 1)
        await inbox.has(1)
        await runs(world, 2)
        halted, recovered = await inbox.has(2)
        await asyncio.sleep(0.2)
        sent = await entries(world, "notify.sent")

    assert (halted["event"], halted["sync"], halted["code"], halted["hint"]) == ("halted", "a", "source.mismatch", "look there")
    assert halted["text"].endswith("sync 'a' halted: no such table (look there)")
    assert (recovered["event"], recovered["message"]) == ("recovered", "works again; it had halted: no such table")
    assert halted["id"] != recovered["id"]
    assert len(inbox.messages) == 2
    assert [(entry.sync, entry.detail["channel"], entry.detail["event"]) for entry in sent] == [
        ("a", "127.0.0.1", "recovered"),
        ("a", "127.0.0.1", "halted"),
    ]


async def test_the_message_has_the_members_that_the_document_tells(tmp_path: Path, inbox: Inbox) -> None:
    async with told(tmp_path, script(bad()), channel(webhook=inbox.url)) as world:
        await runs(world, 1)
        message = (await inbox.has(1))[0]

    assert [line.split("`")[1] for line in MEMBERS.splitlines() if line.startswith("| `")] == list(message)


async def test_a_failed_post_is_tried_again_and_told_in_the_audit_log_once(tmp_path: Path, inbox: Inbox) -> None:
    inbox.answers = [500, 302]

    async with told(tmp_path, script(bad()), channel(webhook=inbox.url, name="pager")) as world:
        await runs(world, 1)
        await inbox.has(1)
        failed = await entries(world, "notify.failed")

    assert [(entry.outcome, entry.detail["channel"], entry.detail["problem"]) for entry in failed] == [
        ("notify.not_delivered", "pager", "the webhook answered 500")
    ]
    assert len(inbox.messages) == 1


async def test_a_webhook_that_answers_nothing_never_makes_a_run_wait(tmp_path: Path) -> None:
    hung = asyncio.Event()

    async def silence(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hung.wait()
        writer.close()

    server = await asyncio.start_server(silence, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with told(tmp_path, script(bad(), bad(), None), channel(webhook=f"http://127.0.0.1:{port}/")) as world:
        async with asyncio.timeout(5):
            await runs(world, 3)
    hung.set()
    server.close()

    assert world.status("a").problem is None


async def test_a_secret_address_and_token_reach_the_webhook_and_nothing_else(
    tmp_path: Path, inbox: Inbox, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "address").write_text(inbox.url)
    (tmp_path / "token").write_text(TOKEN)
    inbox.answers = [403]
    section = channel(webhook_secret={"file": str(tmp_path / "address")}, token={"file": str(tmp_path / "token")})

    async with told(tmp_path, script(bad()), section) as world:
        await runs(world, 1)
        await inbox.has(1)
        seen = str(await world.ledger.audit.query(AuditQuery())) + str(capfd.readouterr())

    assert inbox.headers[0]["Authorization"] == f"Bearer {TOKEN}"
    assert "webhook" in seen
    assert TOKEN not in seen
    assert inbox.url not in seen


async def test_a_secret_that_is_missing_is_a_failure_to_deliver(tmp_path: Path) -> None:
    async with told(tmp_path, script(bad()), channel(webhook_secret={"file": str(tmp_path / "none")})) as world:
        await runs(world, 1)
        failed = await _until(world, "notify.failed")

    assert failed[0].outcome == "connection.credentials"


async def _until(world: World, action: str) -> Sequence[Any]:
    for _ in range(100):
        if found := await entries(world, action):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"no {action}")


async def test_a_command_gets_the_message_on_its_standard_input(tmp_path: Path) -> None:
    program = tmp_path / "tell"
    program.write_text('#!/bin/sh\ncat > "$1.part" && mv "$1.part" "$1"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)

    async with told(tmp_path, script(bad()), channel(command=[str(program), str(tmp_path / "got")])) as world:
        await runs(world, 1)
        sent = await _until(world, "notify.sent")

    assert sent[0].detail["channel"] == "tell"
    assert json.loads((tmp_path / "got").read_text())["event"] == "halted"


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        pytest.param(["/bin/sh", "-c", "exit 3"], "/bin/sh ended with 3", id="it fails"),
        pytest.param(["/no/such/program"], "/no/such/program cannot be started: No such file or directory", id="there is none"),
    ],
)
async def test_a_command_that_fails_is_told_in_the_audit_log(tmp_path: Path, command: list[str], problem: str) -> None:
    async with told(tmp_path, script(bad()), channel(command=command)) as world:
        await runs(world, 1)
        failed = await _until(world, "notify.failed")

    assert failed[0].detail["problem"] == problem


async def test_a_command_is_killed_with_its_children_when_the_daemon_stops(tmp_path: Path) -> None:
    begun, mark = tmp_path / "begun", tmp_path / "late"
    waits = f"touch {begun}; (sleep 1; touch {mark}) & wait"

    async with told(tmp_path, script(bad()), channel(command=["/bin/sh", "-c", waits])) as world:
        await runs(world, 1)
        for _ in range(200):
            if begun.exists():
                break
            await asyncio.sleep(0.02)

    await asyncio.sleep(1.2)
    assert begun.exists()
    assert not mark.exists()


async def test_each_channel_is_told_what_it_asks_for(tmp_path: Path, inbox: Inbox) -> None:
    async def differs(context: RunContext) -> Report:
        context.tell(Progress(warnings=("mind the gap",)))
        return Report(drifted=True)

    with listening() as other:
        sections = [channel(webhook=inbox.url, on=["drift"], syncs=["a*"]), channel(webhook=other.url, on=["warnings"], syncs=["b"])]
        play = Play({"a": differs, "b": differs})
        async with told(tmp_path, play, *sections, syncs=sync("a") + sync("b")) as world:
            await world.ended(await world.begin("a"))
            await world.ended(await world.begin("b"))
            await inbox.has(1)
            await other.has(1)
            await asyncio.sleep(0.2)

    assert [(message["sync"], message["event"], message["code"]) for message in inbox.messages] == [("a", "drift", "run.drifted")]
    assert [(message["sync"], message["event"], message["message"]) for message in other.messages] == [("b", "warnings", "mind the gap")]


async def test_what_was_told_outlives_a_restart_and_what_was_missed_is_told_after_it(tmp_path: Path, inbox: Inbox) -> None:
    section = channel(webhook=inbox.url)
    async with told(tmp_path, script(bad()), section) as world:
        await runs(world, 1)
        await _until(world, "notify.sent")
    async with opened(tmp_path, script(None), sync("a")) as world:
        await runs(world, 1)

    async with told(tmp_path, Play(), section):
        await inbox.has(2)
        await asyncio.sleep(0.1)

    assert [message["event"] for message in inbox.messages] == ["halted", "recovered"]


async def test_a_memory_that_makes_no_sense_is_begun_afresh(tmp_path: Path, inbox: Inbox) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state/notices.json").write_text('{"cursor": ')

    async with told(tmp_path, script(bad()), channel(webhook=inbox.url)) as world:
        await runs(world, 1)
        await inbox.has(1)
        await _until(world, "notify.sent")

    assert json.loads((tmp_path / "state/notices.json").read_text())["cursor"] > 0


async def test_nothing_is_kept_of_a_sync_that_left_the_settings(tmp_path: Path, inbox: Inbox) -> None:
    async with told(tmp_path, script(bad()), channel(webhook=inbox.url), syncs=sync("a") + sync("b")) as world:
        await runs(world, 1)
        await _until(world, "notify.sent")
        written(tmp_path, sync("b"))
        await world.daemon.reload("me")
        await asyncio.sleep(0.2)

    assert json.loads((tmp_path / "state/notices.json").read_text())["standing"] == {}
