"""Reports of any shape are laid out."""

from hypothesis import given, settings
from hypothesis import strategies as st

from syncctl import report_view
from syncctl.screen import fitting
from syncctl.view import Block, Facts, Heading, Line, Table, plain
from tests.ctl.scripted import World

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def texts(block: Block) -> list[str]:
    match block:
        case Table():
            return [plain(cell) for row in block.rows for cell in row]
        case Facts():
            return [text for name, cell in block.rows for text in (name, plain(cell))]
        case Heading():
            return [block.text]
        case Line():
            return [plain(block.cell)]


def leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


@settings(max_examples=50)
@given(JSON)
def test_every_value_of_a_report_is_shown(report: object) -> None:
    shown = "\n".join(text for block in report_view.blocks(report) for text in texts(block))

    assert all(plain(report_view.scalar(leaf)) in shown for leaf in leaves(report))


def test_a_long_list_is_cut_and_the_rest_is_counted() -> None:
    blocks = list(report_view.blocks([{"id": number} for number in range(120)]))

    assert [len(block.rows) for block in blocks if isinstance(block, Table)] == [report_view.CAP]
    assert plain(blocks[-1].cell) == "and 70 more: all of them with -o json" if isinstance(blocks[-1], Line) else False


def test_severities_are_found_wherever_they_stand() -> None:
    report = {"source": {"findings": [{"severity": "note"}]}, "findings": [[{"severity": "problem"}]], "severity": "warning"}

    assert sorted(report_view.severities(report)) == ["note", "problem", "warning"]


def test_where_not_all_syncs_fit_the_urgent_ones_are_shown() -> None:
    syncs = list(World().syncs.values())

    assert [sync.name for sync in fitting(syncs, 20)] == ["customers", "products", "주문"]
    assert [sync.name for sync in fitting(syncs, 5)] == ["customers", "주문"]
