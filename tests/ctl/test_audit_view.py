"""The detail of an entry, as a line shows it."""

import json

import pytest

from syncapi.v1.common_pb2 import AuditEntry
from syncctl import audit_view


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        pytest.param({}, "", id="none"),
        pytest.param({"mode": "full", "stored": 3}, "mode=full stored=3", id="a few words"),
        pytest.param({"counters": {"read": 50_000}}, 'counters={"read": 50000}', id="a short table"),
        pytest.param({"settings": {"mapping": "x" * 300}, "fingerprint": "c0"}, "settings={…} fingerprint=c0", id="a long table"),
        pytest.param({"problem": "x" * 300}, f"problem={'x' * 300}", id="a long text stays whole"),
    ],
)
def test_long_tables_are_left_to_programs(detail: dict[str, object], shown: str) -> None:
    entry = AuditEntry(detail_json=json.dumps(detail))

    assert audit_view.detail(entry) == shown
