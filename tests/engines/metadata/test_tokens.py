"""Tokens, counted without asking anybody."""

import builtins
import json
import random
import time
from typing import Any

import pytest

from syncd.engines.metadata import tokens
from syncd.engines.metadata.cache import Cache, Example
from syncd.engines.metadata.folding.folding import fold
from syncd.engines.metadata.folding.records import record
from syncd.engines.metadata.rendering import written
from syncd.engines.metadata.templates import insight_for, templates_for
from syncd.engines.metadata.tokens import ESTIMATE, counter
from tests.engines.metadata.checks.queries import VALID
from tests.engines.metadata.folding.warehouses import daily, ga4_columns

KOREAN = (
    "주문 테이블은 고객이 결제한 주문을 한 행에 하나씩 담고 있습니다. 배송 상태와 결제 수단, 할인 금액을 알 수 있으며 환불된 주문은 상태가 "
    "취소로 표시됩니다. 지난 달의 매출 합계는 얼마입니까? 회원 등급별로 평균 구매 금액을 구하세요."
)


def family(shards: int) -> dict[str, dict[str, object]]:
    folded = fold(daily("analytics.events_", "2024-01-01", shards, ga4_columns()))
    return {each.name: record(each) for each in folded.families}


def content() -> Cache:
    events = fold(daily("analytics.events_", "2024-01-01", 400, ga4_columns())).families[0]
    return Cache(
        "2026-11-21T02:00:00+09:00",
        "deterministic",
        family(400),
        templates_for(events, "bigquery"),
        (events.name,),
        {events.name: insight_for(events)},
    )


LEGACY = {
    f"SH.T{number}": {
        "columns": {"CUST_ADDR_ID": "NUMBER(12,0)", "LST_UPD_DTTM": "TIMESTAMP(6)", "FLX_ATTR_17": "VARCHAR2(240 CHAR)", "CD": "CHAR(3)"}
    }
    for number in range(20)
}
TEXTS = {
    "record of a family": json.dumps(family(400), separators=(",", ":")),
    "published content": written(content()).decode(),
    "indented JSON": json.dumps(family(13), indent=2),
    "JSON in capitals": json.dumps(LEGACY, separators=(",", ":")),
    "queries": "\n".join(query.sql for query in VALID),
    "Korean": KOREAN,
    "Korean names": json.dumps(
        {"주문번호": "STRING", "고객_이메일": "VARCHAR", "결제금액": "DECIMAL(18,2)", "생년월일": "DATE"}, ensure_ascii=False
    ),
    "Korean questions": written(
        Cache("", "", examples=(Example("지난 달의 매출 합계는?", "SELECT SUM(amount) FROM main.orders"),) * 9)
    ).decode(),
    "dates": json.dumps([f"202401{day:02}" for day in range(1, 29)]),
    "English": " ".join(["Rows are never deleted; a cancelled order keeps its amount and gets the status cancelled."] * 5),
}


def test_with_the_extra_tokens_are_those_of_a_public_vocabulary() -> None:
    known = counter()

    assert (known.name, known.exact) == ("o200k_base", True)
    assert known.count("") == 0
    assert known.count("hello world") == 2
    assert known.count("<|endoftext|>") > 1
    assert known.count("\ud800 half of a pair") > 3
    assert counter() is known


def test_without_the_extra_an_estimate_says_that_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *given: Any) -> Any:
        if name.startswith("rs_bpe"):
            raise ImportError(name)
        return real(name, *given)

    monkeypatch.setattr(builtins, "__import__", missing)

    found = tokens.counter.__wrapped__()

    assert (found.name, found.exact) == ("estimate", False)


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in TEXTS.items()])
def test_the_estimate_is_never_too_low_and_at_most_half_too_high(text: str) -> None:
    real = counter().count(text)

    assert real <= ESTIMATE.count(text) <= 1.5 * real


@pytest.mark.parametrize(
    ("measure", "million"), [pytest.param(counter, 5, id="counted"), pytest.param(lambda: ESTIMATE, 1, id="estimated")]
)
def test_a_million_characters_take_less_than_a_second(measure: Any, million: int) -> None:
    text = "\n".join(random.Random(1).choices(list(TEXTS.values()), k=2500))[: million * 1_000_000]
    began = time.process_time()

    found = measure().count(text)

    assert len(text) == million * 1_000_000
    assert found > million * 200_000
    assert time.process_time() - began < million


@pytest.mark.parametrize("unit", ["x", " ", "가", "_", "9", " \n", "😀", "a1"])
def test_no_text_is_so_odd_that_it_takes_long(unit: str) -> None:
    text = unit * 300_000
    began = time.process_time()

    assert counter().count(text) > 0
    assert ESTIMATE.count(text) > 0
    assert time.process_time() - began < 2


def test_a_family_takes_as_many_tokens_however_many_shards_it_has() -> None:
    found = {shards: counter().count(json.dumps(family(shards), separators=(",", ":"))) for shards in (13, 400, 800)}

    assert max(found.values()) <= 1400
    assert found[800] - found[400] <= 10


@pytest.mark.parametrize("measure", [pytest.param(counter, id="counted"), pytest.param(lambda: ESTIMATE, id="estimated")])
def test_the_lines_of_a_content_have_as_many_tokens_as_the_whole(measure: Any) -> None:
    text = written(content()).decode()

    assert sum(map(measure().count, text.splitlines(keepends=True))) == measure().count(text)
