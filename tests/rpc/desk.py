"""A desk that keeps the promise of its port with a small world in memory: one clients sync, `ai`, with two sides and three versions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.domain.errors import InvalidRequest, NotFound, Refused
from syncd.domain.run import Run, RunId, RunState, SyncName, Trigger
from syncd.domain.unified import Entry, Key, Kind, Model, Reference, Template, Value, is_secret, write_model, written
from syncd.ports.clients_control import (
    Answer,
    Authorship,
    Back,
    ConflictKind,
    ConflictQuery,
    ConflictSide,
    ConflictState,
    ConflictView,
    DecisionView,
    Difference,
    Exported,
    FilePlan,
    FileState,
    FileView,
    LossView,
    PlanView,
    SidePhase,
    SideView,
    UnifiedView,
    VersionView,
    WatchView,
)

RUN = "01JEXAMPLE0000000000000001"
CONFLICT = "5f3c0a9d2b7e4411"
SECRET = "sk-live-do-not-show"
NOON = datetime(2025, 6, 30, 12, tzinfo=UTC)
PROJECT = "/home/ada/shop"
GITHUB, STYLE = Key("", Kind.MCP, "github"), Key("", Kind.RULES, "Style")
DOCS, STATUS = Key(PROJECT, Kind.MCP, "docs"), Key("", Kind.PERMISSIONS, "shell prefix git status")
OLD = Key("", Kind.MCP, "old")

_TOKEN = Template((Reference("GITHUB_TOKEN"),))
_FIRST: Mapping[Key, Entry] = {
    GITHUB: {"transport": "stdio", "command": "npx", "args": ("-y", "server-github"), "env.TOKEN": _TOKEN},
    STYLE: {"text": "# Style\n\nTabs.\nShort lines.\n"},
}
_SECOND: Mapping[Key, Entry] = {
    **_FIRST,
    GITHUB: {**_FIRST[GITHUB], "args": ("-y", "server-github@2", "--name", "my server"), "env.KEY": SECRET},
    STATUS: {"decision": "allow"},
}
_THIRD: Mapping[Key, Entry] = {**_SECOND, STYLE: {"text": "# Style\n\nSpaces.\nShort lines.\n"}, DOCS: {"url": "https://docs.example"}}
MODELS: tuple[Model, ...] = (_FIRST, _SECOND, _THIRD)


def shown(field: str, value: Value) -> str:
    return '"•••"' if is_secret(field) and isinstance(value, str) else json.dumps(written(value), ensure_ascii=False)


def a_side(name: str, **values: Any) -> SideView:
    given: dict[str, Any] = {
        "client": name,
        "home": "/home/ada",
        "projects": (PROJECT,),
        "files": (FileView(f"/home/ada/.{name}.json", frozenset({Kind.MCP}), FileState.PRESENT),),
        "watch": WatchView(armed=3),
    }
    return SideView(name, **(given | values))


def a_conflict(**values: Any) -> ConflictView:
    given: dict[str, Any] = {
        "id": CONFLICT,
        "sync": SyncName("ai"),
        "key": GITHUB,
        "kind": ConflictKind.EDIT,
        "fields": ("command", "timeout"),
        "reason": "both sides changed `command`, and manual-review leaves it to you",
        "since": NOON,
        "sides": (
            ConflictSide("claude", {"command": '"npx"'}, {"command": '"bunx"', "timeout": "20"}, NOON),
            ConflictSide("codex", {"command": '"npx"'}, {"command": '"pnpx"'}, NOON + timedelta(minutes=1)),
        ),
        "central": {"command": '"npx"'},
        "policy": "manual-review",
    }
    return ConflictView(**(given | values))


def _sides() -> list[SideView]:
    unreadable = FileView("/home/ada/.codex/config.toml", frozenset(Kind), FileState.UNREADABLE, "line 3, column 7: no value")
    missing = FileView("/home/ada/.codex/AGENTS.md", frozenset({Kind.RULES}), FileState.MISSING)
    losses = (LossView("codex", DOCS, "cwd", "cwd", "Codex has no folder for servers of projects"),)
    return [
        a_side("claude", priority=10, cli_version="2.1.0", last_write=NOON, notes=("mcp/odd is left alone",)),
        a_side(
            "codex",
            phase=SidePhase.WAITING,
            problem="config.toml does not parse",
            files=(unreadable, missing),
            losses=losses,
            writes=frozenset({Kind.MCP, Kind.RULES}),
            watch=WatchView(2, 1, 4),
        ),
    ]


@dataclass
class Desk:
    """What it was asked to do stands in `done`, with who asked."""

    views: list[SideView] = field(default_factory=_sides)
    models: list[Model] = field(default_factory=lambda: list(MODELS))
    held: dict[str, ConflictView] = field(default_factory=lambda: {CONFLICT: a_conflict()})
    planned: PlanView = field(default_factory=PlanView)
    done: list[tuple[Any, ...]] = field(default_factory=list)

    async def sides(self, sync: SyncName) -> Sequence[SideView]:
        self._know(sync)
        return sorted(self.views, key=lambda side: side.name)

    async def unified(self, sync: SyncName, version: int, scope: str | None) -> UnifiedView:
        number = self._number(sync, version)
        chosen = {key: entry for key, entry in self.models[number - 1].items() if scope in (None, key.scope)}
        masked = {
            key: {field: "•••" if is_secret(field) and isinstance(value, str) else value for field, value in entry.items()}
            for key, entry in chosen.items()
        }
        return UnifiedView(number, NOON, json.dumps(write_model(masked), ensure_ascii=False), (OLD,))

    async def export(self, sync: SyncName) -> Exported:
        model = self.models[self._number(sync, 0) - 1]
        left_out = [(key, field) for key, entry in model.items() for field, value in entry.items() if shown(field, value) == '"•••"']
        kept = {key: {field: value for field, value in entry.items() if (key, field) not in left_out} for key, entry in model.items()}
        return Exported(json.dumps({"syncd": 1, "entries": write_model(kept)}, ensure_ascii=False), tuple(left_out))

    async def import_(self, sync: SyncName, text: str, actor: str) -> Run:
        self._know(sync)
        try:
            found = json.loads(text)
        except ValueError:
            raise InvalidRequest("the text is no JSON", fields={"text": "what `export` wrote"}) from None
        return self._began("import", sync, len(found["entries"]), actor)

    async def versions(self, sync: SyncName, before: int, limit: int) -> Sequence[VersionView]:
        numbers = range(self._number(sync, 0), 0, -1)
        return [self._version(number) for number in numbers if not before or number < before][:limit]

    async def version(self, sync: SyncName, number: int) -> VersionView:
        return self._version(self._number(sync, number))

    async def diff(self, sync: SyncName, before: int, after: int) -> Sequence[Difference]:
        newer = self._number(sync, after)
        return self._between(self._number(sync, before) if before else newer - 1, newer)

    async def rollback(self, sync: SyncName, back: Back, actor: str) -> Run:
        self._number(sync, back.version)
        if back.side and back.side not in {side.name for side in self.views}:
            raise NotFound(f"no side '{back.side}'", code="side.unknown")
        return self._began("rollback", sync, back, actor)

    async def conflicts(self, query: ConflictQuery) -> Sequence[ConflictView]:
        if query.sync:
            self._know(query.sync)
        return [view for view in self.held.values() if view.state in query.states and query.sync in ("", view.sync)]

    async def conflict(self, number: str) -> ConflictView:
        if number not in self.held:
            raise NotFound(f"no conflict '{number}'", hint="`syncctl conflicts list` lists them", code="conflict.unknown")
        return self.held[number]

    async def resolve(self, number: str, answer: Answer, actor: str) -> Run:
        view = await self.conflict(number)
        if view.state is ConflictState.RESOLVED:
            raise Refused(f"conflict {number} is resolved already", code="conflict.resolved")
        if bool(answer.take) == bool(answer.content):
            raise InvalidRequest("one of `take` and `content` says what shall be", fields={"take": "a side, or `central`"})
        if answer.take and answer.take not in {"central", *(side.name for side in view.sides)}:
            raise InvalidRequest(f"no side '{answer.take}' takes part", fields={"take": "claude, codex or central"})
        self.held[number] = replace(view, state=ConflictState.RESOLVED)
        return self._began("resolve", view.sync, answer, actor)

    async def plan(self, sync: SyncName, actor: str) -> PlanView:
        self._know(sync)
        return self.planned

    def _know(self, sync: SyncName) -> None:
        if sync == "products":
            raise Refused("'products' is a search sync", code="sync.not_clients")
        if sync != "ai":
            raise NotFound(f"no sync '{sync}'", hint="`syncctl status` lists them", code="sync.unknown")

    def _number(self, sync: SyncName, version: int) -> int:
        self._know(sync)
        if version not in range(len(self.models) + 1):
            raise NotFound(f"no version {version}", hint="`syncctl clients versions` lists them", code="version.unknown")
        return version or len(self.models)

    def _version(self, number: int) -> VersionView:
        changes = tuple(Authorship(each.key, each.field, "claude" if number % 2 else "codex") for each in self._between(number - 1, number))
        return VersionView(number, NOON + timedelta(hours=number), RUN, "ada" if number == 1 else "", f"{number:064}", changes)

    def _between(self, before: int, after: int) -> list[Difference]:
        old, new = ({} if number == 0 else self.models[number - 1] for number in (before, after))
        fields = {(key, field) for model in (old, new) for key, entry in model.items() for field in entry}
        ordered = sorted(fields, key=lambda each: (str(each[0]), each[1]))
        said = [(key, field, _text(old, key, field), _text(new, key, field)) for key, field in ordered]
        return [Difference(*each) for each in said if each[2] != each[3]]

    def _began(self, *what: Any) -> Run:
        self.done.append(what)
        return Run(RunId(RUN), SyncName("ai"), "sync", Trigger.REQUEST, RunState.QUEUED, NOON, actor=what[-1])


def _text(model: Model, key: Key, field: str) -> str:
    entry = model.get(key, {})
    return shown(field, entry[field]) if field in entry else ""


PLANNED = PlanView(
    files=(
        FilePlan(
            "codex",
            "/home/ada/.codex/config.toml",
            "--- /home/ada/.codex/config.toml\n+++ /home/ada/.codex/config.toml\n@@ -1,2 +1,3 @@\n [mcp_servers.github]\n"
            '-command = "npx"\n+command = "bunx"\n+\tenv = { KEY = "•••" }\n',
        ),
    ),
    decisions=(DecisionView(GITHUB, "command", "policy", "claude", ("codex",), "last-write-wins"),),
    conflicts=(a_conflict(),),
    losses=(LossView("codex", DOCS, "", "sse", "Codex knows no sse; the server is left out"),),
)
