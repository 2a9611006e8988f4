"""Texts that several sides have changed."""

import pytest

from syncd.engines.clients.merging import merged

BASE = "# Style\n\n- tabs\n- short names\n- no globals"


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param([BASE, BASE], BASE, id="nobody changes anything"),
        pytest.param([BASE.replace("tabs", "spaces"), BASE], BASE.replace("tabs", "spaces"), id="one changes a line"),
        pytest.param(
            [BASE.replace("tabs", "spaces"), BASE + "\n- types"],
            BASE.replace("tabs", "spaces") + "\n- types",
            id="a change and an addition",
        ),
        pytest.param([BASE + "\n- types", BASE + "\n- tests"], BASE + "\n- types\n- tests", id="two add at one place"),
        pytest.param([BASE + "\n- types"] * 2, BASE + "\n- types", id="two add the same"),
        pytest.param(
            [BASE.replace("- tabs\n", ""), BASE + "\n- tests"], BASE.replace("- tabs\n", "") + "\n- tests", id="one takes a line away"
        ),
        pytest.param([BASE.replace("tabs", "spaces"), BASE.replace("tabs", "either")], None, id="two change one line"),
        pytest.param([BASE.replace("tabs", "spaces"), BASE.replace("- tabs\n", "")], None, id="one changes what another takes away"),
        pytest.param(
            [BASE.replace("tabs", "spaces"), BASE.replace("short", "long"), BASE + "\n- types"],
            "# Style\n\n- spaces\n- long names\n- no globals\n- types",
            id="three change lines next to each other",
        ),
    ],
)
def test_changes_of_different_lines_become_one_text(texts: list[str], expected: str | None) -> None:
    assert merged(BASE, texts) == expected
