"""What can be wrong with settings, told all at once."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from syncd.domain.errors import PermanentError

KeyPath = tuple[str | int, ...]
"""Keys from the top of the settings downwards; a number counts the tables of an array from 0."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def dotted(path: KeyPath) -> str:
    """`syncs.products.every`, `listen[0].socket`; a key that TOML wants quoted is."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f"{'.' if text else ''}{part if _BARE.fullmatch(part) else repr(part)}"
    return text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where, what is wrong or expected, and what was found if that may be shown."""

    file: Path
    key: str
    message: str
    found: str = ""

    def __str__(self) -> str:
        place = f"{self.key}: " if self.key else ""
        found = f" (got {self.found})" if self.found else ""
        return f"{place}{self.message}{found}"


class SettingsInvalid(PermanentError):
    """All problems of the settings, in the order of the files."""

    code = "settings.invalid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(report(self.problems))


def report(problems: Iterable[Problem]) -> str:
    """Problems for people: a line for each file, then an indented line for each of its problems."""
    by_file: dict[Path, list[Problem]] = {}
    for problem in problems:
        by_file.setdefault(problem.file, []).append(problem)
    lines = []
    for file, those in by_file.items():
        lines.append(f"{file}: {len(those)} problem{'s' if len(those) > 1 else ''}")
        lines.extend(f"  {problem}" for problem in those)
    return "\n".join(lines)
