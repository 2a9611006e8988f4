"""Meilisearch as a target, tried on the real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import meilisearch as official
import pytest

from syncd.connectors.meilisearch import CONNECTOR, loading
from syncd.connectors.meilisearch.settings import Settings
from syncd.domain.batch import Batch, Receipt, Severity
from syncd.domain.errors import BadCredentials, SourceUnavailable, TargetMismatch, TargetUnavailable
from syncd.ports.connecting import Index, Indexes, IndexShape
from tests.contracts.target import (
    ADA,
    BOB,
    SHAPE,
    TargetContract,
    alone,
    batch,
    contents,
    drain,
    identity,
    in_company,
    prepared,
    stream,
)
from tests.servers.meilisearch import MeilisearchServer

EMBEDDER = {"embedders": {"m": {"source": "userProvided", "dimensions": 2}}}
Configure = Callable[..., Settings]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Settings for a server, with its master key or another one."""

    def settings(server: MeilisearchServer, key: str = "", **more: object) -> Settings:
        monkeypatch.setenv("MEILI_TEST_KEY", key or server.key)
        return Settings.model_validate({"url": server.url, "key": {"env": "MEILI_TEST_KEY"}, "timeout": "10s", **more})

    return settings


@pytest.fixture
async def indexes(meilisearch: MeilisearchServer, configure: Configure) -> AsyncIterator[Indexes]:
    async with opened(configure(meilisearch)) as found:
        yield found


@pytest.fixture
def name(index_name: str) -> str:
    return index_name


@pytest.fixture
def client(meilisearch: MeilisearchServer) -> official.Client:
    return official.Client(meilisearch.url, meilisearch.key)


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    """The data of a server that a test may stop or kill."""
    folder = tmp_path / "server"
    folder.mkdir()
    return folder


def opened(settings: Settings) -> Any:
    assert CONNECTOR.indexes is not None
    return CONNECTOR.indexes(settings)


def documents(count: int, **more: object) -> list[dict[str, object]]:
    return [{"id": n, "text": f"number {n} of many", **more} for n in range(count)]


async def follow(receipts: AsyncIterator[Receipt], then: Callable[[Receipt], None]) -> None:
    async for receipt in receipts:
        then(receipt)


def by_id(rows: list[dict[str, object]]) -> dict[str, object]:
    return {str(each["id"]): each for each in rows}


class TestMeilisearchAsTarget(TargetContract):
    pass


# ── single documents ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_documents_that_no_rule_knows_are_singled_out_and_their_neighbours_stored(
    meilisearch: MeilisearchServer, configure: Configure, name: str
) -> None:
    rows = documents(40)
    for bad in (7, 31, 32):
        rows[bad]["_vectors"] = {"m": "not a vector"}
    batches = [batch(*rows[start : start + 8], reaches=str(start)) for start in range(0, 40, 8)]

    async with opened(configure(meilisearch, wide_rows=80)) as indexes:
        index = await prepared(indexes, name)
        receipts = await drain(index, *batches)

    assert [receipt.batch for receipt in receipts] == batches
    refused = [(receipt.batch.reaches, refusal.row, refusal.code) for receipt in receipts for refusal in receipt.refused]
    assert refused == [("0", 7, "invalid_vectors_type"), ("24", 7, "invalid_vectors_type"), ("32", 0, "invalid_vectors_type")]
    assert await contents(index) == by_id([each for each in rows if each["id"] not in (7, 31, 32)])


async def test_sending_a_refused_batch_again_does_not_undo_what_came_after_it(
    meilisearch: MeilisearchServer, configure: Configure, name: str
) -> None:
    bad = {"id": "bad", "_vectors": {"m": "not a vector"}}

    async with opened(configure(meilisearch, wide_rows=10)) as indexes:
        index = await prepared(indexes, name)
        receipts = await drain(index, batch(bad, ADA, BOB), batch({**ADA, "year": 1}), batch(gone=["2"]))

    assert [len(receipt.refused) for receipt in receipts] == [1, 0, 0]
    assert await contents(index) == {"1": {**ADA, "year": 1}}


async def test_a_request_too_large_for_the_server_is_halved(own_folder: Path, configure: Configure, name: str) -> None:
    rows = documents(100, more="x" * 50)

    with MeilisearchServer(own_folder, "--http-payload-size-limit", "5000") as server:
        async with opened(configure(server)) as indexes:
            index = await prepared(indexes, name)
            (receipt,) = await drain(index, batch(*rows, {"id": "huge", "text": "x" * 6000}))
            stored = await contents(index)

    assert [(refusal.row, refusal.code) for refusal in receipt.refused] == [(100, "payload_too_large")]
    assert stored == by_id(rows)


async def test_refusing_everything_in_a_row_is_a_matter_of_settings(indexes: Indexes, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "_MOST_REFUSED_IN_A_ROW", 4)
    index = indexes.index(name)
    await index.prepare(IndexShape("id", EMBEDDER))

    with pytest.raises(TargetMismatch, match="5 documents in a row"):
        await drain(index, batch(*documents(9)))


# ── the window ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("crowded", [alone, in_company])
async def test_no_more_rows_are_under_way_than_the_window_admits(
    meilisearch: MeilisearchServer, configure: Configure, client: official.Client, name: str, crowded: Callable[[], bool]
) -> None:
    under_way = []

    async def watched() -> AsyncIterator[Batch]:
        for start in range(0, 2000, 100):
            answer = client.http.get(f"tasks?indexUids={name}&statuses=enqueued,processing&limit=1000")
            under_way.append(sum(task["details"]["receivedDocuments"] for task in answer["results"]))
            yield batch(*({"id": start + n, "text": f"some words {n}"} for n in range(100)))

    async with opened(configure(meilisearch, wide_rows=1000, narrow_rows=400)) as indexes:
        index = await prepared(indexes, name)
        receipts = [receipt async for receipt in index.apply(watched(), crowded)]

    assert len(receipts) == 20
    assert 0 < max(under_way) <= (1000 if crowded is alone else 400)


async def test_a_small_load_passes_a_large_one(meilisearch: MeilisearchServer, configure: Configure, name: str) -> None:
    done: list[str] = []

    async def load(index: Index, batches: list[Batch]) -> None:
        await follow(index.apply(stream(*batches), in_company), lambda receipt: done.append(receipt.batch.reaches))

    async with opened(configure(meilisearch, narrow_rows=200)) as indexes:
        large, small = await prepared(indexes, name), await prepared(indexes, f"{name}-small")
        many = [batch(*documents(100, turn=turn), reaches="large") for turn in range(15)]
        await asyncio.gather(load(large, many), load(small, [batch(ADA, reaches="small")]))

    assert done.index("small") < 8


async def test_what_was_read_before_the_source_failed_is_kept(indexes: Indexes, name: str) -> None:
    index = await prepared(indexes, name)
    reached: list[str] = []

    async def broken() -> AsyncIterator[Batch]:
        yield batch(ADA, reaches="ada")
        yield batch(BOB, reaches="bob")
        raise SourceUnavailable("the source has gone")

    with pytest.raises(SourceUnavailable, match="the source has gone"):
        await follow(index.apply(broken(), alone), lambda receipt: reached.append(receipt.batch.reaches))

    assert reached == ["ada", "bob"]
    assert await contents(index) == {"1": ADA, "2": BOB}


async def test_a_task_that_somebody_cancels_means_try_again(indexes: Indexes, name: str, client: official.Client) -> None:
    index = await prepared(indexes, name)

    async def cancelling() -> AsyncIterator[Batch]:
        yield batch(*documents(5000))
        async with asyncio.timeout(10):
            while not client.get_tasks({"indexUids": [name], "types": ["documentAdditionOrUpdate"]}).results:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.001)
        client.cancel_tasks({"indexUids": [name]})

    with pytest.raises(TargetUnavailable, match="cancelled"):
        await follow(index.apply(cancelling(), alone), lambda _: None)


# ── the shape of an index ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_empty_index_with_another_primary_key_gets_ours(indexes: Indexes, name: str) -> None:
    await indexes.index(name).prepare(IndexShape("sku"))

    await indexes.index(name).prepare(SHAPE)
    await drain(indexes.index(name), batch({**ADA, "sku": "s-1"}))

    assert await contents(indexes.index(name)) == {"1": {**ADA, "sku": "s-1"}}


async def test_a_primary_key_that_is_not_ours_is_a_problem(indexes: Indexes, name: str) -> None:
    await prepared(indexes, name, ADA)

    state = await indexes.inspect(name, IndexShape("sku"))

    assert state is not None
    problem = next(finding for finding in state.findings if finding.severity is Severity.PROBLEM)
    assert problem.code == "primary_key"
    assert "'id'" in problem.message
    assert "'sku'" in problem.message


async def test_settings_are_applied_once(indexes: Indexes, name: str, client: official.Client) -> None:
    settings = {"filterableAttributes": ["year", "name"], "typoTolerance": {"enabled": False}, "searchableAttributes": ["name"]}
    shape = IndexShape("id", settings)

    await indexes.index(name).prepare(shape)
    await indexes.index(name).prepare(shape)

    found = client.http.get(f"indexes/{name}/settings")
    assert sorted(found["filterableAttributes"]) == ["name", "year"]
    assert found["typoTolerance"]["enabled"] is False
    assert client.http.get(f"tasks?indexUids={name}&types=settingsUpdate")["total"] == 1


@pytest.mark.parametrize("settings", [{"nonsense": 1}, {"rankingRules": ["best first"]}, {"embedders": {"m": {"source": "rest"}}}])
async def test_a_refused_setting_is_a_mismatch(indexes: Indexes, name: str, settings: dict[str, object]) -> None:
    with pytest.raises(TargetMismatch, match=r"refuses|does not change"):
        await indexes.index(name).prepare(IndexShape("id", settings))


async def test_settings_that_make_loading_slow_are_told(indexes: Indexes, name: str) -> None:
    slow = await indexes.index(name).prepare(SHAPE)
    quick = await indexes.inspect(name, IndexShape("id", {"proximityPrecision": "byAttribute"}))

    assert quick is not None
    assert "proximityPrecision" in next(each.message for each in slow.findings if each.severity is Severity.WARNING)
    assert [each.code for each in quick.findings if each.severity is Severity.WARNING] == []


async def test_preparing_waits_for_what_an_earlier_process_left_under_way(indexes: Indexes, name: str, client: official.Client) -> None:
    client.index(name).add_documents(documents(3000), "id")
    client.index(name).add_documents(documents(3000, again=True), "id")

    state = await indexes.index(name).prepare(SHAPE)

    assert state.documents == 3000
    assert await contents(indexes.index(name)) == by_id(documents(3000, again=True))


async def test_writing_to_an_index_that_is_missing_means_prepare_again(indexes: Indexes, name: str) -> None:
    with pytest.raises(TargetUnavailable, match="has no index"):
        await drain(indexes.index(name), batch(gone=["1"]))


async def test_swapping_two_missing_indexes_is_a_mismatch(indexes: Indexes, name: str) -> None:
    with pytest.raises(TargetMismatch, match="neither"):
        await indexes.swap(name, f"{name}-other")


@pytest.mark.parametrize("impossible", ["with space", "slash/ed", "한국어", "x" * 401])
async def test_a_name_with_other_letters_is_a_mismatch(indexes: Indexes, impossible: str) -> None:
    with pytest.raises(TargetMismatch, match="cannot be the name of an index"):
        indexes.index(impossible)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_checking_names_version_and_number_of_indexes(meilisearch: MeilisearchServer, configure: Configure) -> None:
    said = await CONNECTOR.check(configure(meilisearch))

    assert said.startswith("Meilisearch 1.21.0, ")
    assert said.endswith(" indexes")


async def test_a_wrong_key_is_bad_credentials_and_is_not_told(meilisearch: MeilisearchServer, configure: Configure, name: str) -> None:
    settings = configure(meilisearch, key="wrong-but-secret")

    with pytest.raises(BadCredentials, match="rejects the key") as checking:
        await CONNECTOR.check(settings)
    async with opened(settings) as indexes:
        with pytest.raises(BadCredentials, match="rejects the key") as preparing:
            await indexes.index(name).prepare(SHAPE)

    assert "wrong-but-secret" not in f"{checking.value} {checking.value.hint} {preparing.value} {preparing.value.hint}"


async def test_a_key_that_may_do_too_little_is_told_what_it_lacks(
    meilisearch: MeilisearchServer, configure: Configure, client: official.Client
) -> None:
    key = client.create_key({"actions": ["version", "documents.*", "tasks.get"], "indexes": ["*"], "expiresAt": None}).key

    with pytest.raises(BadCredentials, match=r"lacks the rights indexes\.get, stats\.get"):
        await CONNECTOR.check(configure(meilisearch, key=key))


async def test_a_key_that_is_limited_to_our_indexes_is_enough(
    meilisearch: MeilisearchServer, configure: Configure, client: official.Client, name: str
) -> None:
    key = client.create_key({"actions": ["*"], "indexes": [f"{name}*"], "expiresAt": None}).key

    async with opened(configure(meilisearch, key=key)) as indexes:
        await prepared(indexes, name, ADA)
        await prepared(indexes, f"{name}-other", BOB)
        await indexes.swap(name, f"{name}-other")
        await indexes.drop(f"{name}-other")

        assert await contents(indexes.index(name)) == {"2": BOB}


# ── outages ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_server_that_is_stopped_means_try_again(own_folder: Path, configure: Configure, name: str) -> None:
    with MeilisearchServer(own_folder) as server:
        async with opened(configure(server)) as indexes:
            index = await prepared(indexes, name)
            server.stop()

            with pytest.raises(TargetUnavailable, match="cannot be reached: connection refused"):
                await drain(index, batch(ADA))


async def test_a_server_killed_in_the_middle_has_the_right_content_after_applying_again(
    own_folder: Path, configure: Configure, name: str
) -> None:
    batches = [batch(*documents(500, turn=turn), reaches=str(turn)) for turn in range(8)]

    with MeilisearchServer(own_folder) as server:
        async with opened(configure(server, narrow_rows=1000)) as indexes:
            index = await prepared(indexes, name)
            before = await identity(indexes, name)
            reached: list[str] = []

            def note(receipt: Receipt) -> None:
                reached.append(receipt.batch.reaches)
                if len(reached) == 2:
                    server.kill()

            with pytest.raises(TargetUnavailable):
                await follow(index.apply(stream(*batches), in_company), note)
            server.start()
            state = await index.prepare(SHAPE)
            receipts = await drain(index, *batches[len(reached) :])

            assert reached == ["0", "1"]
            assert state.identity == before
            assert len(receipts) == 6
            assert await contents(index) == by_id(documents(500, turn=7))
