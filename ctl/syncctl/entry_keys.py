"""Names of entries: `mcp/github`, and `/path/of/project:mcp/github` in the files of a project."""

import re

from syncapi.v1.clients_pb2 import EntryKey, EntryKind

KINDS = {EntryKind.Value(f"ENTRY_KIND_{word.upper()}"): word for word in ("mcp", "rules", "permissions")}
_KEY = re.compile(rf"(?:(?P<scope>/.*?):)?(?P<kind>{'|'.join(KINDS.values())})/(?P<name>.+)", re.DOTALL)


def written(key: EntryKey) -> str:
    scope = f"{key.scope}:" if key.scope else ""
    return f"{scope}{KINDS.get(key.kind, '?')}{f'/{key.name}' if key.name else ''}"


def read(text: str) -> EntryKey:
    """The opposite of `written`. Raises `ValueError` that says what was expected."""
    match = _KEY.fullmatch(text)
    if not match:
        raise ValueError(f"expected an entry such as 'mcp/github' or '/path/of/project:rules/Style', got {text!r}")
    return EntryKey(scope=match["scope"] or "", kind=EntryKind.Value(f"ENTRY_KIND_{match['kind'].upper()}"), name=match["name"])
