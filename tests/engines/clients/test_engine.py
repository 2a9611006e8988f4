"""Real files, real adapters, and a crash at any step: sides converge, no edit is lost, and nothing is written without need."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syncd import catalogue
from syncd.domain.audit import Entry as Audited
from syncd.domain.batch import Checkpoint
from syncd.domain.run import Run, RunId, RunState, SyncName, Trigger
from syncd.domain.unified import Entry, Kind, Name
from syncd.engines.clients.deploying import Journal
from syncd.engines.clients.engine import ClientsEngine
from syncd.engines.clients.settings import ClientsSync
from syncd.kit import swap
from syncd.kit.swap import Moved, Swapped
from syncd.ports.clients import ScopeKind
from syncd.ports.running import Advance, Progress, Report

CLIENTS = sorted(catalogue.client_kinds())
USER = ScopeKind.USER


class Crash(Exception):
    """The process ends here."""


@dataclass
class Kept:
    """The documents of a sync."""

    texts: dict[str, str] = field(default_factory=dict)

    async def get(self, name: str) -> str | None:
        return self.texts.get(name)

    async def list(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[tuple[str, str]]:
        return sorted((name, text) for name, text in self.texts.items() if name.startswith(prefix) and name > after)[:limit]


@dataclass
class Context:
    """What a run sees of the daemon. It ends the process at the commit if it is told to."""

    folder: Path
    run: Run
    checkpoint: Checkpoint | None = None
    documents: Kept = field(default_factory=Kept)
    entries: list[Audited] = field(default_factory=list)
    crash: bool = False
    clean: bool = True

    def tell(self, progress: Progress) -> None: ...

    async def advance(self, step: Advance) -> None:
        if self.crash:
            raise Crash("before the commit")
        self.checkpoint = step.checkpoint
        for name, text in step.documents.items():
            self.documents.texts.pop(name, None)
            if text is not None:
                self.documents.texts[name] = text
        self.entries += step.entries


@dataclass
class House:
    """A home for each client, and the sync that keeps them in step."""

    folder: Path
    clients: Sequence[str]
    context: Context
    settings: Mapping[str, Any] = field(default_factory=dict)

    def home(self, client: str) -> Path:
        return self.folder / client

    async def sync(self, mode: str = "sync", **parameters: str) -> Report:
        sides = {client: {"client": client, "home": str(self.home(client))} for client in self.clients}
        settings = ClientsSync.model_validate({"engine": "clients", "validate_with": "model", "sides": sides, **self.settings})
        self.context.run = replace(self.context.run, mode=mode, parameters=parameters)
        engine: Any = ClientsEngine(SyncName("ai"), settings, None)  # type: ignore[arg-type]
        report: Report = await engine.run(self.context)
        return report

    def files(self, client: str) -> dict[str, bytes]:
        home = self.home(client)
        return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}

    def servers(self, client: str) -> dict[str, Entry]:
        found = catalogue.client(client).read(USER, self.files(client))
        assert not found.unreadable
        return {name.name: entry for name, entry in found.entries.items() if name.kind is Kind.MCP}

    def say(self, client: str, name: str, entry: Entry | None) -> None:
        """A user of the client adds, changes or removes a server."""
        changed = catalogue.client(client).write(USER, self.files(client), {Name(Kind.MCP, name): entry})
        for path, content in changed.items():
            (self.home(client) / path).parent.mkdir(parents=True, exist_ok=True)
            (self.home(client) / path).write_bytes(content or b"")


@pytest.fixture
def house(tmp_path: Path) -> House:
    run = Run(RunId("R"), SyncName("ai"), "sync", Trigger.REQUEST, RunState.RUNNING, datetime.now(UTC), writes=True)
    house = House(tmp_path / "homes", CLIENTS, Context(tmp_path / "state", run))
    house.context.folder.mkdir()
    for client in CLIENTS:
        house.home(client).mkdir(parents=True)
    return house


def stdio(command: str) -> Entry:
    return {"transport": "stdio", "command": command}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(4))
async def test_random_edits_and_crashes_at_any_step_lose_nothing(house: House, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(seed)
    house.clients = draw.sample(CLIENTS, draw.randint(2, 5))
    expected: dict[str, Entry] = {}
    steps = _crashing(monkeypatch)
    for number in range(6):
        if len(expected) > 3:
            name, client = draw.choice(sorted(expected)), draw.choice(house.clients)
            house.say(client, name, None)
            del expected[name]
            await _through(house, steps, draw)
        for client in draw.sample(house.clients, draw.randint(1, len(house.clients))):
            name = f"s{number}-{client}" if draw.random() < 0.6 else f"s{draw.randint(0, number)}-{client}"
            expected[name] = stdio(f"v{number}")
            house.say(client, name, expected[name])
        await _through(house, steps, draw)

        assert {client: house.servers(client) for client in house.clients} == dict.fromkeys(house.clients, expected)


async def _through(house: House, steps: dict[str, int], draw: random.Random) -> None:
    """Run until nothing crashes any more, then once more: that one has nothing to write."""
    for _ in range(draw.randint(0, 3)):
        house.context.crash = draw.random() < 0.5
        steps |= {"left": 0 if house.context.crash else draw.randint(1, 4), "dead": 0}
        try:
            await house.sync()
        except Crash:
            continue
    house.context.crash = False
    steps |= {"left": 0, "dead": 0}
    await house.sync()
    before = {client: house.files(client) for client in house.clients}
    settled = await house.sync()
    assert "files_written" not in settled.findings
    assert {client: house.files(client) for client in house.clients} == before


def _crashing(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Let the process end after so many files have been replaced; 0: never. A dead process cleans nothing up."""
    steps = {"left": 0, "dead": 0}
    replace_file, recover = swap.swap, Journal.recover

    def swapped(path: Path, new: Path, expected: str) -> Swapped:
        done = replace_file(path, new, expected)
        steps["left"] -= 1
        if steps["left"] == 0:
            steps["dead"] = 1
            raise Crash("after a file was replaced")
        return done

    def recovered(journal: Journal, committed: str) -> list[Path]:
        return [] if steps["dead"] else recover(journal, committed)

    monkeypatch.setattr(swap, "swap", swapped)
    monkeypatch.setattr(Journal, "recover", recovered)
    return steps


async def test_a_file_that_is_written_all_the_time_is_left_to_a_later_run(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.say("claude", "a", stdio("npx"))

    def moved(*_: object) -> None:
        raise Moved(house.home("codex"))

    monkeypatch.setattr(Journal, "deploy", moved)

    with pytest.raises(Exception, match="again and again"):
        await house.sync()

    assert house.files("codex") == {}


async def test_the_audit_log_knows_who_changed_what_and_holds_no_value(house: House) -> None:
    house.say("claude", "a", {**stdio("npx"), "env.TOKEN": "hunter2-hunter2"})

    await house.sync()

    [changed] = [entry for entry in house.context.entries if entry.action == "model.changed"]
    assert changed.detail["changes"] == {"mcp/a": dict.fromkeys(("command", "env.TOKEN", "transport"), "claude")}
    assert {entry.detail["side"] for entry in house.context.entries if entry.action == "client.written"} == set(CLIENTS) - {"claude"}
    assert "hunter2" not in repr(house.context.entries)


async def test_a_plan_shows_what_would_change_and_changes_nothing(house: House) -> None:
    house.say("claude", "a", {**stdio("npx"), "env.TOKEN": "hunter2-hunter2"})
    before = {client: house.files(client) for client in CLIENTS}

    report = await house.sync("plan")

    files: Any = report.findings["files"]
    assert {each["side"] for each in files} == set(CLIENTS) - {"claude"}
    assert "hunter2" not in repr(report)
    assert {client: house.files(client) for client in CLIENTS} == before
