import json
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from syncd.domain.run import SyncName
from syncd.settings.dump import dump, secret_problems
from syncd.settings.retry import Retry
from syncd.settings.secret import SecretReference
from syncd.settings.section import Section
from tests.settings.world import Written

SERVER = '[connections.s]\nkind = "server"\nurl = "u"\n'


def test_a_section_is_told_in_the_words_of_the_settings_file(written: Written) -> None:
    sync = '[connections.f]\nkind = "file"\npath = "x"\n[syncs.a]\nengine = "copy"\nsource.connection = "f"\nretry.first = "250ms"'
    section = written.main(sync).load().syncs[SyncName("a")].section

    told = dump(section)

    assert told["every"] == "5m"
    assert told["retry"] == {"attempts": 10, "first": "250ms", "most": "1m"}
    assert told["source"] == {"connection": "f", "columns": [], "key": []}
    assert "cron" not in told
    assert json.loads(json.dumps(told)) == told


def test_a_secret_is_told_as_its_reference(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "hunter2")
    settings = written.main(f'{SERVER}login = {{ env = "THE_KEY" }}').load()

    told = dump(settings.connections["s"].section)

    assert told == {"url": "u", "login": {"env": "THE_KEY"}}


def test_the_login_in_an_url_is_hidden(written: Written) -> None:
    settings = written.main('[connections.s]\nkind = "server"\nurl = "http://ada:hunter2@db:7700"').load()

    assert dump(settings.connections["s"].section) == {"url": "http://•••@db:7700"}


class Colour(Enum):
    RED = "red"


class Everything(Section):
    values: dict[str, Any]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (timedelta(hours=1, minutes=30), "1h30m"),
        (Path("/x/y"), "/x/y"),
        (Colour.RED, "red"),
        (date(2026, 1, 2), "2026-01-02"),
        ((1, 2.5, True, None), [1, 2.5, True, None]),
        ({1: frozenset({"a"})}, {"1": ["a"]}),
        ([Retry()], [{"attempts": 10, "first": "1s", "most": "1m"}]),
    ],
)
def test_every_kind_of_value_has_a_json_form(value: object, expected: object) -> None:
    assert dump(Everything(values={"it": value})) == {"values": {"it": expected}}


def test_secrets_that_cannot_be_read_are_told_with_file_and_place(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET", "x")
    monkeypatch.delenv("NOT_SET", raising=False)
    written.main(f'{SERVER}login = {{ env = "SET" }}')
    written.part("a.toml", '[connections.t]\nkind = "server"\nurl = "u"\nlogin = { env = "NOT_SET" }')

    (problem,) = secret_problems(written.load())

    assert problem.file.name == "a.toml"
    assert str(problem) == "connections.t.login: the environment variable NOT_SET is not set, or empty"


def test_secrets_are_found_at_any_depth_of_any_section(written: Written, tmp_path: Path) -> None:
    settings = written.main(SERVER).load()
    missing = SecretReference(file=tmp_path / "missing")
    deep = Everything(values={"sides": [{"token": missing}, (missing,)]})
    settings.connections["s"].section.__dict__["timeout"] = deep

    problems = secret_problems(settings)

    assert [problem.key for problem in problems] == [
        "connections.s.timeout.values.sides[0].token",
        "connections.s.timeout.values.sides[1][0]",
    ]
