"""What the documents say about the code is what the code says."""

import json
import os
import re
import tempfile
import types
import typing
from collections.abc import Iterator, Sequence
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from syncd import catalogue
from syncd.engines.clients.settings import SideSection
from syncd.engines.search import jsonforms
from syncd.kit.text import format_duration
from syncd.settings.daemon import DaemonSection, ListenSection
from syncd.settings.load import load
from syncd.settings.notify import NotifySection
from syncd.settings.secret import SecretReference

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
HEADING = re.compile(r"^## (?P<title>.+)$")
ROW = re.compile(r"^\| `(?P<key>[^`]+)` \| (?P<default>[^|]+) \| (?P<meaning>[^|]+) \|$")
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")

SECTIONS: dict[str, type[BaseModel]] = {
    "`[daemon]`": DaemonSection,
    "`[[listen]]`": ListenSection,
    "`[[notify]]`": NotifySection,
    **{f'`[syncs.NAME]` with `engine = "{kind}"`': catalogue.engine(kind).settings for kind in catalogue.engine_kinds()},
    "`[syncs.NAME.sides.SIDE]`": SideSection,
    **{f'`[connections.NAME]` with `kind = "{kind}"`': catalogue.connector(kind).settings for kind in catalogue.connector_kinds()},
}


def told() -> dict[str, dict[str, str]]:
    """Heading -> key -> default, as `docs/settings.md` has them."""
    tables: dict[str, dict[str, str]] = {}
    title = ""
    for line in (ROOT / "docs/settings.md").read_text().splitlines():
        if heading := HEADING.match(line):
            title = heading["title"]
        elif row := ROW.match(line):
            assert row["key"] not in tables.setdefault(title, {}), f"{row['key']} is told twice"
            tables[title][row["key"]] = row["default"]
    return tables


def held(section: type[BaseModel], above: str = "") -> Iterator[tuple[str, str]]:
    """Key and default of every field, those of tables inside it by dotted key."""
    for name, field in section.model_fields.items():
        inner = inner_section(field.annotation)
        if inner is None:
            yield f"{above}{name}", default_of(field)
        else:
            yield from held(inner, f"{above}{name}.")


def inner_section(annotation: Any) -> type[BaseModel] | None:
    members = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    found = [each for each in members if isinstance(each, type) and issubclass(each, BaseModel) and each is not SecretReference]
    return found[0] if found else None


def default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "–"
    return "empty" if value in ({}, [], ()) else f"`{in_settings(value)}`"


def in_settings(value: object) -> str:
    """A value as people write it."""
    match value:
        case bool():
            return str(value).lower()
        case timedelta():
            return format_duration(value)
        case Enum():
            return str(value.value)
        case Path():
            return str(value).replace(tempfile.gettempdir(), "/tmp").replace(f"-{os.getuid()}", "-UID")
        case tuple():
            return json.dumps(value)
        case "":
            return '""'
        case _:
            return str(value)


def test_every_section_has_its_table() -> None:
    assert told().keys() == SECTIONS.keys()


@pytest.mark.parametrize("title", SECTIONS)
def test_every_setting_stands_in_its_table_with_its_default(title: str) -> None:
    assert told()[title] == dict(held(SECTIONS[title]))


@pytest.mark.parametrize(
    "example", sorted([*(ROOT / "examples").glob("*.toml"), *(ROOT / "systemd/examples").glob("*.toml")]), ids=lambda path: path.name
)
def test_the_examples_are_good_settings(example: Path) -> None:
    settings = load(example, catalogue)

    assert settings.syncs


def test_the_json_form_of_every_type_is_told_as_the_code_has_it() -> None:
    document = (ROOT / "docs/documents.md").read_text()

    forms = [line for line in (jsonforms.__doc__ or "").splitlines() if line.startswith("|")]

    assert len(forms) > 10
    assert "\n".join(forms) in document


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    links: Sequence[str] = LINK.findall(document.read_text())

    assert [link for link in links if not (document.parent / link).exists()] == []
