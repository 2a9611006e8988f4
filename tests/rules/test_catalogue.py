import ast
from pathlib import Path

import pytest

from syncd import catalogue
from syncd.settings.section import Section
from syncd.settings.sync import Offer, SyncSection

TESTS = Path(__file__).resolve().parents[1]


def contracts_of(path: Path) -> set[str]:
    """The contracts that the classes of a test file subclass."""
    classes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
    bases = {ast.unparse(base).split(".")[-1] for node in classes for base in node.bases}
    return {base for base in bases if base.endswith("Contract")}


@pytest.mark.parametrize("kind", catalogue.connector_kinds())
def test_every_connector_can_be_opened_in_some_role(kind: str) -> None:
    connector = catalogue.connector(kind)

    assert issubclass(connector.settings, Section)
    assert any(getattr(connector, offer.value) for offer in Offer)


@pytest.mark.parametrize("kind", catalogue.connector_kinds())
def test_every_connector_is_held_to_the_contract_of_each_of_its_roles(kind: str) -> None:
    connector = catalogue.connector(kind)

    held_to = contracts_of(TESTS / f"connectors/test_{kind}.py")

    roles = {
        "SourceContract": connector.source,
        "TargetContract": connector.indexes,
        "SchemaReaderContract": connector.schemas,
        "ObjectStoreContract": connector.objects,
        "TextModelContract": connector.model,
    }
    assert held_to >= {contract for contract, opened in roles.items() if opened}


@pytest.mark.parametrize("kind", catalogue.engine_kinds())
def test_every_engine_has_a_section_of_a_sync_and_the_mode_of_its_schedule(kind: str) -> None:
    engine = catalogue.engine(kind)

    assert issubclass(engine.settings, SyncSection)
    assert engine.scheduled_mode in engine.modes
    assert all(mode.summary for mode in engine.modes.values())


@pytest.mark.parametrize("kind", catalogue.engine_kinds())
def test_every_engine_has_tests_of_its_own(kind: str) -> None:
    assert list((TESTS / f"engines/{kind}").glob("test_*.py"))


def test_a_class_that_is_held_to_no_contract_is_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "test_x.py"
    path.write_text("class TestA(target.TargetContract): ...\nclass TestB(Base): ...\nclass SourceContract: ...\n")

    assert contracts_of(path) == {"TargetContract"}
