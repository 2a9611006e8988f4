"""Versions of the unified model: one document that says what changed, one by content that holds it all."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from syncd.domain.unified import Key, Model, digest, read_model, write_model
from syncd.ports.running import Documents

VERSIONS = "version/"
MODELS = "model/"


def name_of(number: int) -> str:
    """The document of a version; names sort like numbers."""
    return f"{VERSIONS}{number:010d}"


def documents(number: int, model: Model, authors: Mapping[Key, Mapping[str, str]], made: Mapping[str, Any]) -> dict[str, str | None]:
    """The documents of a new version. `made`: `at`, `run` and `actor`."""
    content = write_model(model)
    changes = [[[key.scope, key.kind.value, key.name], field, side] for key, fields in authors.items() for field, side in fields.items()]
    version = {"number": number, "digest": digest(content), "changes": changes, **made}
    return {
        name_of(number): json.dumps(version, ensure_ascii=False),
        MODELS + version["digest"]: json.dumps(content, ensure_ascii=False),
    }


def made(at: datetime, run: str, actor: str) -> dict[str, str]:
    return {"at": at.isoformat(), "run": run, "actor": actor}


async def version_at(kept: Documents, number: int) -> dict[str, Any] | None:
    """What changed with a version."""
    text = await kept.get(name_of(number))
    return json.loads(text) if text else None


async def model_at(kept: Documents, number: int) -> Model | None:
    """The unified model as it was with a version; None if there is none of this number."""
    if number == 0:
        return {}
    version = await version_at(kept, number)
    text = await kept.get(MODELS + version["digest"]) if version else None
    return read_model(json.loads(text)) if text else None
