"""From what shall be to the files that say so."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import unified_diff
from pathlib import Path

from syncd.domain.unified import Entries, Entry, Key, Kind, Loss, Model, Name
from syncd.engines.clients.deploying import Replacement
from syncd.engines.clients.looking import Look, ScopeLook
from syncd.engines.clients.masking import masked, secrets_of
from syncd.ports.clients import Expressed, Files, Unwritable

Pins = Mapping[Key, Entry | None]
"""Entries that one side holds otherwise than the unified model says, because a person put an old version back there."""


@dataclass(frozen=True, slots=True)
class ScopePlan:
    """What one scope of a side becomes. `entries` is what it holds then; `changes` has the new content of files, None for none."""

    look: ScopeLook
    entries: Entries
    wanted: Mapping[Name, Entry | None] = field(default_factory=dict)
    changes: Mapping[str, bytes | None] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()

    @property
    def files(self) -> Files:
        """All files of the scope as they will be."""
        after = {**self.look.reading.contents, **self.changes}
        return {path: content for path, content in after.items() if content is not None}

    def replacements(self, locks: Mapping[str, str]) -> list[Replacement]:
        before, folder = self.look.reading.contents, self.look.folder
        return [
            Replacement(folder / path, before.get(path), content, folder / locks[path] if locks.get(path) else None)
            for path, content in self.changes.items()
        ]


@dataclass(frozen=True, slots=True)
class SidePlan:
    """What becomes of one side. `problem`: why nothing is written to it."""

    look: Look
    scopes: tuple[ScopePlan, ...]
    problem: str = ""

    @property
    def changes(self) -> bool:
        return any(plan.changes for plan in self.scopes) and not self.problem

    @property
    def holds(self) -> Model:
        """What the side holds once the plan is carried out."""
        return {Key(plan.look.scope, *name): entry for plan in self.scopes for name, entry in plan.entries.items()}

    def replacements(self) -> list[Replacement]:
        found = []
        for plan in self.scopes:
            specs = self.look.adapter.files(plan.look.kind)
            locks = {path: spec.lock for path in plan.changes for spec in specs if spec.lock and Path(path).match(spec.pattern)}
            found += plan.replacements(locks)
        return found


def view(look: Look, model: Model, pins: Pins) -> dict[str, Expressed]:
    """What a side would hold of a model, by scope."""
    found = {}
    for each in look.scopes:
        entries = {key.within: entry for key, entry in model.items() if key.scope == each.scope and look.section.takes(key.within)}
        pinned = {key.within: entry for key, entry in pins.items() if key.scope == each.scope}
        entries = {name: entry for name, entry in (entries | pinned).items() if entry is not None}
        found[each.scope] = look.adapter.express(each.kind, entries)
    return found


def plan(look: Look, model: Model, pins: Pins, held: set[Key]) -> SidePlan:
    """The files that bring a side to a model, all but what is held. A side that must not be written, or cannot, stays as it is."""
    views = view(look, model, pins)
    try:
        planned = SidePlan(look, tuple(_scope(look, each, views[each.scope], held) for each in look.scopes))
    except Unwritable as error:
        still = tuple(ScopePlan(each, each.entries, losses=views[each.scope].losses) for each in look.scopes)
        return SidePlan(look, still, f"{error.path} cannot be edited: {error.reason}")
    return replace(planned, problem="; ".join(_clashes(planned))) if planned.changes else planned


def _clashes(planned: SidePlan) -> Iterator[str]:
    """What would be wrong in a project once user and project are read together."""
    user = next((each.files for each in planned.scopes if not each.look.scope), {})
    for each in planned.scopes:
        if each.look.scope:
            yield from (f"in {each.look.scope}: {problem}" for problem in planned.look.adapter.together(user, each.files))


def _scope(look: Look, each: ScopeLook, meant: Expressed, held: set[Key]) -> ScopePlan:
    wanted: dict[Name, Entry | None] = {}
    for name in sorted({*meant.entries, *each.entries}, key=str):
        entry = meant.entries.get(name)
        if entry == each.entries.get(name) or Key(each.scope, *name) in held or not look.section.writes(name.kind):
            continue
        if each.imports and name.kind is Kind.RULES and name not in each.entries:
            continue
        wanted[name] = entry
    changes = look.adapter.write(each.kind, each.reading.contents, wanted) if wanted else {}
    after = {name: entry for name, entry in {**each.entries, **wanted}.items() if entry is not None}
    planned = ScopePlan(each, after, wanted, changes, meant.losses)
    _prove(look, planned)
    return planned


def _prove(look: Look, planned: ScopePlan) -> None:
    """Read what was made: it has to say what was wanted, and nothing else than before."""
    if not planned.changes:
        if planned.wanted:
            raise Unwritable(str(planned.look.folder), "the edit changes nothing")
        return
    found = look.adapter.read(planned.look.kind, planned.files)
    path = ", ".join(planned.changes)
    if found.unreadable:
        raise Unwritable(path, "the edited file would not parse")
    expected = {name: entry for name, entry in {**planned.look.snapshot.entries, **planned.wanted}.items() if entry is not None}
    wrong = sorted(str(name) for name in {*expected, *found.entries} if expected.get(name) != found.entries.get(name))
    if wrong:
        raise Unwritable(path, f"the edited file would say something else of {', '.join(wrong[:3])}")


def apart(plans: Sequence[SidePlan]) -> tuple[SidePlan, ...]:
    """The plans without those that would write a file otherwise than one before them does: several clients may read one file.

    They see in the next run what became of it. Blocking: links are followed.
    """
    claimed: dict[Path, tuple[str, bytes | None]] = {}
    found = []
    for each in plans:
        mine = {one.path.resolve(): one.new for one in each.replacements()} if each.changes else {}
        theirs = next((path for path, new in mine.items() if claimed.get(path, ("", new))[1] != new), None)
        if theirs is not None:
            found.append(
                replace(each, problem=f"{theirs} is written for {claimed[theirs][0]} in this run, and looked at again in the next")
            )
            continue
        claimed |= {path: (each.look.name, new) for path, new in mine.items()}
        found.append(each)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class FileDiff:
    side: str
    path: str
    text: str
    """A unified diff without secrets."""


def diffs(plans: Sequence[SidePlan]) -> list[FileDiff]:
    """What the plans would change, for people."""
    found = []
    for side in plans:
        for scope in side.scopes if not side.problem else ():
            secrets = secrets_of([*scope.look.snapshot.entries.values(), *(entry for entry in scope.wanted.values() if entry)])
            for path, content in sorted(scope.changes.items()):
                found.append(FileDiff(side.look.name, str(scope.look.folder / path), _diff(scope, path, content, secrets)))
    return found


def _diff(scope: ScopePlan, path: str, content: bytes | None, secrets: set[str]) -> str:
    before = masked(scope.look.reading.contents.get(path, b"").decode("utf-8", "replace"), secrets).splitlines(keepends=True)
    after = masked((content or b"").decode("utf-8", "replace"), secrets).splitlines(keepends=True)
    lines = unified_diff(before, after, f"a/{path}", f"b/{path}" if content is not None else "/dev/null")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
