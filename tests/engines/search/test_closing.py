"""Threads open and close what the engine computes with: at one moment, and under each other."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from syncd.engines.search.fields import Fields
from syncd.engines.search.keysets import KeySets, Side
from syncd.engines.search.mapping import Mapper

ROWS = pa.RecordBatch.from_pydict({"id": list(range(5000)), "name": [f"name {n}" for n in range(5000)]})
TIMES = 40


def at_work(work: Callable[[], object], close: Callable[[], object]) -> None:
    """Close while a thread works on, again and again, for as long as closing lets it."""
    begun = threading.Event()

    def go_on() -> None:
        begun.set()
        try:
            while True:
                work()
        except Exception:  # noqa: BLE001 - how the library tells it that it is closed is its own affair
            return

    thread = threading.Thread(target=go_on)
    thread.start()
    begun.wait()
    close()
    thread.join(20)
    assert not thread.is_alive()


def test_a_mapper_is_closed_under_a_thread_that_maps() -> None:
    fields = Fields((("id", "id"), ("title", "upper(name) || md5(name)")), "id")
    for _ in range(TIMES):
        mapper = Mapper(fields, ["id"])
        mapper.bind(ROWS.schema)

        at_work(lambda: mapper.documents(ROWS), lambda: mapper.__exit__(None, None, None))  # noqa: B023


def test_key_sets_are_closed_under_a_thread_that_fills_them() -> None:
    ids = pa.array([str(n) for n in range(5000)])
    for _ in range(TIMES):
        sets = KeySets()

        at_work(lambda: sets.add(Side.SOURCE, ids), lambda: sets.__exit__(None, None, None))  # noqa: B023


def test_mappers_that_are_made_at_one_moment_all_map() -> None:
    together = threading.Barrier(4)

    def make_and_map(_: int) -> int:
        together.wait(20)
        with Mapper(Fields((("id", "id"),), "id"), ["id"]) as mapper:
            mapper.bind(ROWS.schema)
            return int(mapper.documents(ROWS).rows.num_rows)

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(make_and_map, range(4 * 30))) == [ROWS.num_rows] * 120
