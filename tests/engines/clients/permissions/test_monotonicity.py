"""Permissions that go from one client's files to another's never allow more on the way."""

import os
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd import catalogue
from syncd.domain.permission import Decision, Subject
from syncd.domain.unified import Entries, Entry, Kind, Loss, Name
from syncd.engines.clients.permissions.narrowing import entries_of
from syncd.ports.clients import Adapter, Files, ScopeKind
from tests.engines.clients.permissions.widening import widenings
from tests.engines.clients.permissions.witnesses import SUBJECTS

PAIRS = tuple(product(sorted(catalogue.client_kinds()), repeat=2))
SCOPES = tuple(ScopeKind) if os.environ.get("SYNCD_SOAK") else (ScopeKind.USER,)
RULES = st.dictionaries(st.sampled_from(SUBJECTS).map(Subject.parse), st.sampled_from(Decision), min_size=1, max_size=8)
BRIEFLY = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CORPUS = tuple(path for path in sorted(Path(os.environ.get("SYNCD_CORPUS", os.devnull)).glob("*/**/*")) if path.is_file())

HOUSE_RULES: Mapping[str, Mapping[Decision, Sequence[str]]] = {
    "cautious": {
        Decision.DENY: ("shell prefix rm -rf", "shell glob git push *--force*", "read path ./.env", "read path ~/.ssh/**"),
        Decision.ASK: ("shell prefix git push", "fetch", "edit path .git/"),
        Decision.ALLOW: ("shell prefix git", "shell exact ls", "read", "mcp tool github/get_issue"),
    },
    "open but for": {
        Decision.DENY: ("shell regex ^(rm|mv|cp) .*$", "mcp tool github/delete_repository", "fetch domain evil.example.net"),
        Decision.ASK: ("shell exact git push --force",),
        Decision.ALLOW: ("default", "shell", "read", "edit", "fetch", "mcp server github"),
    },
    "closed but for": {
        Decision.DENY: ("default",),
        Decision.ALLOW: ("shell glob npm run test*", "shell regex git (status|log|diff)( .*)?", "read path /src/**", "search"),
    },
    "whole lines": {
        Decision.DENY: ("shell glob curl * | sh", "shell regex .*[;&|].*"),
        Decision.ALLOW: ("shell prefix curl", "shell exact ls", "shell exact git status && git log"),
    },
    "not to be told": {
        Decision.DENY: ("shell regex (a+)+$", "shell regex [unclosed", "edit path {a,b}/x"),
        Decision.ALLOW: ("shell prefix a", "edit path /docs/**", "edit"),
    },
}


def passed(adapter: Adapter, scope: ScopeKind, model: Entries) -> tuple[Entries, tuple[Loss, ...]]:
    """What is read from files that a client got a model by, and what was lost."""
    expressed = adapter.express(scope, model)
    wanted: Mapping[Name, Entry | None] = {name: expressed.entries.get(name) for name in {**model, **expressed.entries}}
    written = adapter.write(scope, {}, wanted)
    found = adapter.read(scope, {path: content for path, content in written.items() if content is not None})
    return permissions(found.entries), expressed.losses


def permissions(entries: Entries) -> Entries:
    return {name: entry for name, entry in entries.items() if name.kind is Kind.PERMISSIONS}


def assert_no_widening(pair: tuple[str, str], scope: ScopeKind, model: Entries) -> None:
    one, other = map(catalogue.client, pair)
    there, lost = passed(one, scope, model)
    back, lost_again = passed(other, scope, there)

    assert widenings(model, there, lost) == []
    assert widenings(there, back, lost_again) == []
    assert widenings(model, back, (*lost, *lost_again)) == []


@pytest.mark.timeout(20)
@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.value)
@pytest.mark.parametrize("house", HOUSE_RULES)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_house_rules_never_allow_more_in_another_client(pair: tuple[str, str], house: str, scope: ScopeKind) -> None:
    model = entries_of({Subject.parse(name): decision for decision, names in HOUSE_RULES[house].items() for name in names})

    assert_no_widening(pair, scope, model)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@BRIEFLY
@given(rules=RULES, scope=st.sampled_from(SCOPES))
def test_whatever_is_said_never_allows_more_in_another_client(
    pair: tuple[str, str], rules: Mapping[Subject, Decision], scope: ScopeKind
) -> None:
    assert_no_widening(pair, scope, entries_of(rules))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("client", sorted(catalogue.client_kinds()))
@BRIEFLY
@given(rules=RULES, scope=st.sampled_from(SCOPES))
def test_what_a_client_was_given_is_what_it_reads(client: str, rules: Mapping[Subject, Decision], scope: ScopeKind) -> None:
    adapter = catalogue.client(client)
    model = entries_of(rules)

    found, _ = passed(adapter, scope, model)

    assert found == permissions(adapter.express(scope, model).entries)
    assert passed(adapter, scope, found) == (found, ())


@pytest.mark.timeout(60)
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: "/".join(path.parts[-2:]))
def test_permissions_of_real_files_never_allow_more_in_another_client(path: Path) -> None:
    said = {name: model for name in sorted(catalogue.client_kinds()) if (model := _said(catalogue.client(name), path.read_bytes()))}

    for (name, model), other in product(said.items(), sorted(catalogue.client_kinds())):
        assert_no_widening((name, other), ScopeKind.USER, model)


def _said(adapter: Adapter, content: bytes) -> Entries:
    """The permissions in a file, whatever its name was."""
    found: dict[Name, Entry] = {}
    for spec in adapter.files(ScopeKind.USER):
        if Kind.PERMISSIONS in spec.kinds:
            files: Files = {spec.pattern.replace("*", "corpus"): content}
            found |= permissions(adapter.read(ScopeKind.USER, files).entries)
    return found
