import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.engines.metadata.answers import Candidates, candidates
from syncd.engines.metadata.cache import Example

ONE = {"question": "How many orders are there?", "sql": "SELECT COUNT(*) FROM orders"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["insight", "examples", "question", "sql", "other"]), inner),
    max_leaves=12,
)


def only(question: str = ONE["question"], sql: str = ONE["sql"]) -> tuple[Example, ...]:
    return candidates({"insight": "", "examples": [{"question": question, "sql": sql}]}).examples


def test_an_answer_is_taken_in_its_order() -> None:
    other = {"question": "And per day?", "sql": "SELECT day, COUNT(*) FROM orders GROUP BY day"}

    found = candidates({"insight": "One row an order.", "examples": [ONE, other]})

    assert found == Candidates("One row an order.", (Example(**ONE), Example(**other)))


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("  SELECT COUNT(*) FROM orders  ", id="blanks around it"),
        pytest.param("SELECT COUNT(*) FROM orders;", id="a semicolon"),
        pytest.param("SELECT COUNT(*) FROM orders ; ;\n", id="two of them"),
        pytest.param("```sql\nSELECT COUNT(*) FROM orders;\n```", id="a fence"),
        pytest.param("```\nSELECT COUNT(*) FROM orders\n```\n", id="a fence without a language"),
    ],
)
def test_a_query_is_taken_out_of_its_wrapping(sql: str) -> None:
    assert only(sql=sql) == (Example(**ONE),)


def test_the_lines_of_a_query_stay() -> None:
    assert only(sql="SELECT 1\r\n\tFROM t\n")[0].sql == "SELECT 1\n\tFROM t"


@pytest.mark.parametrize(
    "second",
    [
        pytest.param({**ONE, "question": "Another one?"}, id="the same query"),
        pytest.param({**ONE, "question": "Another one?", "sql": "SELECT  COUNT(*)\nFROM orders;"}, id="in another layout"),
        pytest.param({**ONE, "sql": "SELECT 2"}, id="the same question"),
        pytest.param({"question": "how  MANY orders are there?", "sql": "SELECT 2"}, id="in other letters"),
    ],
)
def test_nothing_is_taken_twice(second: dict[str, str]) -> None:
    assert candidates({"examples": [ONE, second]}).examples == (Example(**ONE),)


def test_queries_that_differ_in_a_text_are_two() -> None:
    first, second = {"question": "A?", "sql": "SELECT 'a' FROM t"}, {"question": "B?", "sql": "SELECT 'A' FROM t"}

    assert len(candidates({"examples": [first, second]}).examples) == 2


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"question": "", "sql": "SELECT 1"}, id="no question"),
        pytest.param({"question": "What?", "sql": " ;\n"}, id="no query"),
        pytest.param({"question": "What?"}, id="a missing query"),
        pytest.param({"question": ["What?"], "sql": "SELECT 1"}, id="a list"),
        pytest.param({"question": "What?", "sql": 1}, id="a number"),
        pytest.param({"question": "What?", "sql": "SELECT 'a\x00b'"}, id="a control character in a query"),
        pytest.param({"question": "What?", "sql": "SELECT '\ud800'"}, id="half of a character"),
        pytest.param({"question": "What" * 200, "sql": "SELECT 1"}, id="a question without end"),
        pytest.param({"question": "What?", "sql": "SELECT 1 + " * 2000}, id="a query without end"),
        pytest.param("SELECT 1", id="a text"),
        pytest.param(None, id="nothing"),
    ],
)
def test_an_odd_example_is_left_out_alone(odd: object) -> None:
    assert candidates({"insight": "x", "examples": [odd, ONE]}) == Candidates("x", (Example(**ONE),))


@pytest.mark.parametrize("odd", [None, 5, "text", [], [ONE], {}, {"insight": None, "examples": None}, {"insight": [1], "examples": "abc"}])
def test_an_odd_answer_holds_nothing(odd: object) -> None:
    assert candidates(odd) == Candidates()


def test_texts_for_people_stand_on_one_line() -> None:
    found = candidates({"insight": " One\n\nrow\x07 \ud800an order. ", "examples": [{**ONE, "question": "How\nmany\t?"}]})

    assert found.insight == "One row an order."
    assert found.examples[0].question == "How many ?"


def test_a_long_insight_ends_with_a_whole_sentence() -> None:
    found = candidates({"insight": "This is a sentence of it. " * 500}).insight

    assert 1000 < len(found) <= 1500
    assert found.endswith("sentence of it.")


@pytest.mark.parametrize("text", ["word " * 1000, "x" * 5000])
def test_a_long_insight_without_sentences_is_cut_visibly(text: str) -> None:
    found = candidates({"insight": text}).insight

    assert len(found) <= 1500
    assert found.endswith("…")


def test_no_more_than_twenty_examples_are_taken() -> None:
    many = [{"question": f"Number {number}?", "sql": f"SELECT {number}"} for number in range(50)]

    assert len(candidates({"examples": many}).examples) == 20


@given(JSON)
def test_whatever_is_taken_can_be_stored_and_is_taken_again_as_it_is(value: Any) -> None:
    found = candidates(value)

    again = {"insight": found.insight, "examples": [{"question": each.question, "sql": each.sql} for each in found.examples]}
    json.dumps(again, ensure_ascii=False).encode()
    assert candidates(again) == found
