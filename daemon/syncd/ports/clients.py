"""What the adapter of an AI coding client promises: pure functions over the client's files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from syncd.domain.unified import Entries, Entry, Kind, Loss, Name


class ScopeKind(Enum):
    """Whose configuration: the user's, below the home folder, or that of one project, below its folder."""

    USER = "user"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class FileSpec:
    """Files that a client reads in one scope.

    `pattern` is relative to the scope's folder; only its last part may hold a `*` (`.claude/rules/*.md`).
    """

    pattern: str
    kinds: frozenset[Kind]
    """What they may hold."""
    lock: str = ""
    """A folder, relative like `pattern`, whose existence is the client's own lock (`.claude.json.lock`)."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that does not parse. `line` and `column` count from 1; 0 where they are not known."""

    line: int
    column: int
    reason: str


Files = Mapping[str, bytes]
"""Path relative to the scope's folder -> content. A file that is not there has no member."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one client's files of one scope say."""

    entries: Entries
    unreadable: Mapping[str, Unreadable] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What an operator should know: an entry that the client itself ignores, a name that shadows another."""


@dataclass(frozen=True, slots=True)
class Expressed:
    """What a client can hold of a model."""

    entries: Entries
    losses: tuple[Loss, ...] = ()


class Unwritable(Exception):
    """An edit that cannot be made without changing more than it should. Nothing is written; `path` names the file."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the client's own that looks at a staged copy. `cwd` and the values of `environment` are below the stage."""

    argv: tuple[str, ...]
    cwd: str
    """Relative to the stage."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Beside `HOME`, which is `home` in the stage; a leading `@/` means the stage's folder."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A scratch copy that starts no program and asks no server: files relative to the stage, and what to run on them."""

    files: Files
    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed, and its exit code."""

    code: int
    stdout: str
    stderr: str


class Check(Protocol):
    """The client's own view of a staged copy."""

    @property
    def program(self) -> str:
        """Name of the executable."""

    @property
    def tested(self) -> tuple[str, str]:
        """Versions it was tested with: the first, and the first that was not."""

    def stage(self, scope: ScopeKind, files: Files) -> Staged:
        """Where the files of one scope go so that the client reads them, starts nothing and connects to nobody."""

    def judge(self, scope: ScopeKind, outputs: Sequence[Output], entries: Entries) -> Sequence[str]:
        """Problems the client sees, one line each, without secrets; `entries` is what the files are meant to say. Empty: fine."""


class Adapter(Protocol):
    """One client. All methods are pure and work on one scope.

    Promises, held by one contract suite:

    - `write(files, {})` changes nothing, and `read` of any bytes never raises: what does not parse is named in `unreadable`.
    - `read(write(files, wanted))` says what `wanted` said, for every entry that `express` answers, and all others are as before.
    - What `read` does not understand stays byte for byte; an edit changes the bytes of its entry alone.
    - `express` is idempotent, names every field it leaves out in a loss, and never allows what the model denies or asks about.
    """

    @property
    def client(self) -> str:
        """The name of the client in settings."""

    @property
    def check(self) -> Check | None:
        """None if the client has no command that could look at its files."""

    def files(self, scope: ScopeKind) -> Sequence[FileSpec]:
        """The files of one scope, also those that are not there yet."""

    def read(self, scope: ScopeKind, files: Files) -> Snapshot:
        """Everything that the files say, in the unified model's words."""

    def express(self, scope: ScopeKind, entries: Entries) -> Expressed:
        """What the client can hold of the entries of a scope, in the form in which `read` would find them."""

    def write(self, scope: ScopeKind, files: Files, wanted: Mapping[Name, Entry | None]) -> Mapping[str, bytes | None]:
        """The new content of each file that changes; None removes a file. `wanted`: entry -> as expressed, None removes it.

        Raises `Unwritable`.
        """

    def together(self, user: Files, project: Files) -> Sequence[str]:
        """Why the client would refuse a project's files beside the user's, one line each: the two are one configuration to it."""
