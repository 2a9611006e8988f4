"""The unified model as a text that another machine takes over."""

import json
from pathlib import Path

from syncd.domain.errors import InvalidRequest, TargetUnavailable
from syncd.domain.permission import Decision, Subject
from syncd.domain.unified import Entry, Key, Kind, Model, is_secret, read_model, write_model
from syncd.engines.clients.masking import secrets_of
from syncd.kit.files import write_atomically


def exported(model: Model, version: int) -> str:
    """A model as JSON text."""
    return json.dumps({"syncd": 1, "version": version, "entries": write_model(model)}, ensure_ascii=False, indent=2)


def keep(path: Path, model: Model, version: int) -> None:
    """Let a file hold a model as it is exported. Raises `TargetUnavailable`. Blocking."""
    content = exported(without_secrets(model)[0], version).encode()
    try:
        if not path.exists() or path.read_bytes() != content:
            write_atomically(path, content)
    except OSError as error:
        raise TargetUnavailable(f"{path} cannot be written: {error.strerror or error}", hint="see `export_to`") from error


def imported(text: str) -> Model:
    """An exported model. Raises `InvalidRequest` if it is none."""
    try:
        model = read_model(json.loads(text)["entries"])
        for key, entry in model.items():
            _check(key, entry)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidRequest(f"this is no exported model: {error}", fields={"content": "what `syncctl clients export` wrote"}) from error
    return model


def _check(key: Key, entry: Entry) -> None:
    if key.kind is Kind.PERMISSIONS:
        Subject.parse(key.name)
        Decision(entry["decision"])


def without_secrets(model: Model) -> tuple[Model, tuple[tuple[Key, str], ...]]:
    """A model without literal secrets, and where they stood."""
    kept: dict[Key, Entry] = {}
    left: list[tuple[Key, str]] = []
    for key, entry in model.items():
        bad = [field for field, value in entry.items() if secrets_of([{field: value}]) or (is_secret(field) and isinstance(value, str))]
        left += [(key, field) for field in sorted(bad)]
        kept[key] = {field: value for field, value in entry.items() if field not in bad}
    return kept, tuple(left)
