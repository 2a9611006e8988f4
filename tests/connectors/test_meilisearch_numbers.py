"""What the server keeps of numbers is what the connector says it does."""

import math
import random
import struct
from collections.abc import Callable

import meilisearch as official
import orjson
import pytest

from syncd.connectors.meilisearch.numbers import as_kept
from tests.servers.meilisearch import MeilisearchServer

DRAW = random.Random(20261121)
WAYS: dict[str, Callable[[], float]] = {
    "between 0 and 1": DRAW.random,
    "of any size": lambda: DRAW.uniform(-1, 1) * 10 ** DRAW.randint(-100, 100),
    "of any bits": lambda: struct.unpack("d", DRAW.randbytes(7) + bytes([DRAW.choice((0x3F, 0x40, 0xBF, 0x01, 0x7E))]))[0],
    "of 15 digits": lambda: DRAW.randint(0, 10**15) / 10 ** DRAW.randint(0, 22),
    "of 15 digits, and very large or small": lambda: DRAW.randint(0, 10**15) * 10.0 ** (DRAW.choice((-1, 1)) * DRAW.randint(23, 120)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_number_is_kept_as_predicted(meilisearch: MeilisearchServer, index_name: str, way: str) -> None:
    numbers = [WAYS[way]() for _ in range(2000)]
    client = official.Client(meilisearch.url, meilisearch.key)
    task = client.index(index_name).add_documents([{"id": number, "value": value} for number, value in enumerate(numbers)], "id")
    assert client.wait_for_task(task.task_uid, 30_000).status == "succeeded"

    kept = {document.id: document.value for document in client.index(index_name).get_documents({"limit": 5000}).results}

    assert [kept[number] for number in range(2000)] == [as_kept(orjson.dumps(value).decode()) for value in numbers]


@pytest.mark.parametrize("digits", [1, 7, 15])
@pytest.mark.parametrize("power", [0, 5, 22])
def test_fifteen_digits_and_twenty_two_powers_of_ten_are_kept_exactly(digits: int, power: int) -> None:
    for _ in range(200):
        text = f"{DRAW.randint(1, 10**digits)}e-{power}"

        assert as_kept(text) == float(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.0", 0.0),
        ("-1.5", -1.5),
        ("12345678901234567890123", 1.2345678901234568e22),
        ("1e-400", 0.0),
        ("1e400", math.inf),
        ("0e999", 0.0),
    ],
)
def test_the_edges_of_numbers(text: str, value: float) -> None:
    assert as_kept(text) == pytest.approx(value, rel=1e-15)
