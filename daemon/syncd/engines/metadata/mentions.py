"""Which tables and families somebody means: by a name, or in a query. Lenient, for texts that nobody has checked."""

import re
from collections.abc import Iterable, Iterator

_PART = r"""(?:"[^"\n]+"|`[^`\n]+`|'[^'\n]+'|[\w$#-]+)"""
_PATH = re.compile(rf"(?P<introduced>\b(?:FROM|JOIN)\s+)?(?P<path>{_PART}(?:\.{_PART})*\*?)", re.IGNORECASE)
_QUOTES = str.maketrans("", "", "`\"'[]")
_SUFFIX = re.compile(r"[0-9][0-9_-]*")


class Names:
    """Of the units of a cache."""

    def __init__(self, units: Iterable[str]) -> None:
        self._units = frozenset(units)
        self._known: dict[str, list[str]] = {}
        self._prefixes: dict[str, list[str]] = {}
        for unit in sorted(self._units):
            short = unit.rpartition(".")[2]
            for name in dict.fromkeys((unit.casefold(), short.casefold())):
                self._known.setdefault(name, []).append(unit)
                if unit.endswith("*"):
                    self._prefixes.setdefault(_prefix(name), []).append(unit)

    def find(self, name: str) -> tuple[str, ...]:
        """The units that go by a name, with or without schema or project, in any case: their own, or that of a shard or wildcard."""
        if name in self._units:
            return (name,)
        parts = name.translate(_QUOTES).casefold().split(".")
        for start in range(max(len(parts) - 2, 0) + 1):
            path = ".".join(parts[start:])
            found = self._known.get(path) or self._families(path)
            if found:
                return tuple(found)
        # `other.orders` is not `main.orders`, but `main.orders` is what an old file calls `orders`.
        return tuple(unit for unit in self._known.get(parts[-1], ()) if "." not in unit)

    def _families(self, path: str) -> list[str]:
        if path.endswith("*"):
            return self._prefixes.get(_prefix(path), [])
        head = path.rstrip("0123456789_-")
        for end in range(len(head), len(path)):
            if path[:end] in self._prefixes and _SUFFIX.fullmatch(path[end:]):
                return self._prefixes[path[:end]]
        return []

    def used(self, sql: str) -> frozenset[str]:
        """The units that a query names. A name without schema counts only where a table has to stand."""
        return frozenset(self._found(sql))

    def first(self, sql: str) -> str:
        """The first unit that a query names; empty if it names none that is known."""
        return next(self._found(sql), "")

    def _found(self, sql: str) -> Iterator[str]:
        return (unit for name in _named(sql) for unit in self.find(name))


def _prefix(name: str) -> str:
    return name.removesuffix("*").rstrip("0123456789")


def _named(sql: str) -> Iterator[str]:
    """In their order. DuckDB takes tables as texts too: `query_table(['a', 'b'])`."""
    listed = "query_table" in sql.casefold()
    for found in _PATH.finditer(sql):
        path = found["path"]
        if "." in path or found["introduced"] or (listed and path.startswith("'")):
            yield path
