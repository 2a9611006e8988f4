"""Settings as they are written: one file and its `conf.d`, merged, every key with the file that it comes from."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncd.settings.problem import KeyPath, Problem, dotted


@dataclass(slots=True)
class Written:
    """The merged tables. `complete` is false if some file could not be read: then what seems to be missing may stand there."""

    file: Path
    tables: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    complete: bool = True
    _places: dict[KeyPath, Path] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Path:
        """The file that wrote a key or, where there is no such key, what it would belong to."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._places:
                return self._places[path[:length]]
        return self.file

    def add(self, file: Path) -> None:
        """Read one more file. Whatever is wrong with it becomes a problem."""
        try:
            tables = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            self._cannot_read(file, f"cannot be read: {error.strerror}")
        except UnicodeDecodeError as error:
            self._cannot_read(file, f"is not UTF-8: byte {error.start} is {error.object[error.start]:#04x}")
        except tomllib.TOMLDecodeError as error:
            self._cannot_read(file, f"is not TOML: {error}")
        else:
            self._merge(file, tables, self.tables, ())

    def parts(self) -> list[Path]:
        """The further files, without hidden ones, which editors leave behind."""
        folder = self.file.parent / "conf.d"
        try:
            return sorted(path for path in folder.iterdir() if path.suffix == ".toml" and not path.name.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as error:
            self._cannot_read(folder, f"cannot be read: {error.strerror}")
            return []

    def _cannot_read(self, file: Path, message: str) -> None:
        self.problems.append(Problem(file, "", message))
        self.complete = False

    def _merge(self, file: Path, new: dict[str, Any], into: dict[str, Any], above: KeyPath) -> None:
        for key, value in new.items():
            path = (*above, key)
            known = into.get(key)
            if known is None:
                self._places[path] = file
                into[key] = {} if isinstance(value, dict) else value
                known = into[key]
            elif not (isinstance(known, dict) and isinstance(value, dict)):
                self.problems.append(Problem(file, dotted(path), f"is set in {self._places[path]} already"))
                continue
            if isinstance(value, dict):
                self._merge(file, value, known, path)


def read(file: Path) -> Written:
    """Read a settings file and, in order of name, `conf.d/*.toml` beside it. Raises nothing: problems are collected."""
    written = Written(file)
    written.add(file)
    for part in written.parts():
        written.add(part)
    return written
