"""What people get to see of values that may be secrets."""

import pytest

from syncd.domain.unified import Entry, Reference, Template, Value
from syncd.engines.clients.masking import HIDDEN, masked, secrets_of, shown


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        pytest.param("env.API_TOKEN", "abc", HIDDEN, id="a variable that speaks of a secret"),
        pytest.param("env.DATABASE", "postgres://u:p@h/d", HIDDEN, id="a variable with anything long"),
        pytest.param("env.LEVEL", "debug", "debug", id="a word"),
        pytest.param("env.PORT", "8080", "8080", id="a small number"),
        pytest.param("env.MY_PASS", "debug", HIDDEN, id="a word under a name that speaks of a secret"),
        pytest.param("headers.X-Team", "Core Team", HIDDEN, id="a header"),
        pytest.param("env.TOKEN", Template((Reference("TOKEN"),)), {"template": [{"ref": "TOKEN"}]}, id="a reference is no secret"),
        pytest.param(
            "headers.Authorization",
            Template(("Token sk-1234567890", Reference("X"))),
            {"template": [HIDDEN, {"ref": "X"}]},
            id="beside one",
        ),
        pytest.param("args", ("--api-key", "sk-1234567890", "-v"), ["--api-key", HIDDEN, "-v"], id="an argument behind its name"),
        pytest.param("args", ("--token=sk-1234567890",), [f"--token={HIDDEN}"], id="an argument with its name"),
        pytest.param(
            "url", "https://u:secret99@h/mcp?api_key=k1234567&x=1", f"https://u:{HIDDEN}@h/mcp?api_key={HIDDEN}&x=1", id="an address"
        ),
        pytest.param("command", "npx", "npx", id="anything else"),
    ],
)
def test_a_value_is_shown_without_its_secrets(field: str, value: Value, expected: object) -> None:
    assert shown(field, value) == expected


def test_a_text_that_holds_secrets_of_some_entries_loses_them() -> None:
    entries: list[Entry] = [{"env.KEY": "abcdef"}, {"env.KEY": "abcdefghij"}]

    assert masked('{"KEY": "abcdefghij", "OTHER": "abcdef"}', secrets_of(entries)) == f'{{"KEY": "{HIDDEN}", "OTHER": "{HIDDEN}"}}'
