"""What every `ObjectStore` promises. A connector's test subclasses `ObjectStoreContract`: `store` and `other` are at the same place."""

import asyncio
import hashlib
import random
from datetime import UTC, datetime, timedelta

import pytest

from syncd.domain.errors import TargetMismatch
from syncd.ports.objects import GenerationChanged, ObjectInfo, ObjectStore

_NAME = "metadata_cache.json"


async def put(store: ObjectStore, content: bytes, expected: int = 0, name: str = _NAME, write_id: str = "a write") -> ObjectInfo:
    return await store.put(name, content, expected, f"{write_id} of {content[:20]!r}", {})


async def content_of(store: ObjectStore, name: str = _NAME) -> bytes | None:
    found = await store.get(name)
    return found.content if found else None


async def increment(store: ObjectStore, writer: int) -> int:
    """Add one to a number that others add to as well, and answer how often that was refused."""
    refused = 0
    while True:
        found = await store.get("number")
        number, generation = (int(found.content), found.info.generation) if found else (0, 0)
        try:
            await store.put("number", str(number + 1).encode(), generation, f"{writer}: {number}", {})
        except GenerationChanged:
            refused += 1
            await asyncio.sleep(random.uniform(0, 0.03 * refused))
            continue
        return refused


class PlainObjectStoreContract:
    """What needs no preconditions of the other side."""

    async def test_what_was_put_is_got_with_all_that_is_known_of_it(self, store: ObjectStore) -> None:
        before = datetime.now(UTC) - timedelta(seconds=5)

        put = await store.put(_NAME, b'{"a": 1}', 0, "write-1", {"sync": "warehouse", "part": ""})

        found = await store.get(_NAME)
        assert found is not None
        assert found.content == b'{"a": 1}'
        assert found.info == put == await store.stat(_NAME)
        assert put.generation >= 1
        assert (put.name, put.size, put.write_id) == (_NAME, 8, "write-1")
        assert put.sha256 == hashlib.sha256(b'{"a": 1}').hexdigest()
        assert put.labels == {"sync": "warehouse", "part": ""}
        assert before < put.updated_at < before + timedelta(minutes=1)

    @pytest.mark.parametrize(
        "content",
        [
            pytest.param(b"", id="empty"),
            pytest.param(bytes(range(256)), id="all values of a byte"),
            pytest.param(b"\r\n--==\r\n\xef\xbb\xbf\r\n", id="what looks like the border of a part"),
            pytest.param(bytes(range(256)) * 20_000, id="5 MB"),
        ],
    )
    async def test_bytes_come_back_as_they_were(self, store: ObjectStore, content: bytes) -> None:
        info = await put(store, content)

        found = await store.get(_NAME)

        assert found is not None
        assert found.content == content
        assert found.info.sha256 == info.sha256 == hashlib.sha256(content).hexdigest()
        assert found.info.size == len(content)

    @pytest.mark.parametrize(
        "name",
        [
            pytest.param("a", id="one letter"),
            pytest.param("snapshots/2026/창고 메타.json", id="folders, a space and Korean"),
            pytest.param("100%/a+b?c=d&e#f.json", id="what means something in an address"),
            pytest.param("é/e\u0301", id="composed and decomposed"),
        ],
    )
    async def test_names_are_taken_as_they_are(self, store: ObjectStore, name: str) -> None:
        info = await put(store, b"x", name=name)

        assert info.name == name
        assert await content_of(store, name) == b"x"
        assert [each.name for each in await store.list("")] == [name]

    @pytest.mark.parametrize("name", ["", "/a", "a//b", "../a", "a/../b", "a/", ".", "a\nb\udc80"])
    async def test_a_name_that_leads_elsewhere_is_refused(self, store: ObjectStore, name: str) -> None:
        with pytest.raises(TargetMismatch, match="cannot be the name"):
            await put(store, b"x", name=name)

    async def test_what_is_not_there_is_none(self, store: ObjectStore) -> None:
        await put(store, b"x", name="a/b")

        assert await store.stat("a") is None
        assert await store.get("a") is None
        assert await store.get("a/b/c") is None
        assert await store.list("c") == []

    async def test_a_write_over_an_object_gives_it_a_higher_generation(self, store: ObjectStore) -> None:
        first = await put(store, b"1")

        second = await put(store, b"2", first.generation)

        assert second.generation > first.generation
        assert await content_of(store) == b"2"

    async def test_a_generation_does_not_come_again_after_a_delete(self, store: ObjectStore) -> None:
        first = await put(store, b"1")
        await store.delete(_NAME, first.generation)

        second = await put(store, b"2")

        assert second.generation > first.generation

    async def test_a_copy_has_the_content_and_labels_of_its_source(self, store: ObjectStore) -> None:
        source = await store.put(_NAME, b"1", 0, "w", {"sync": "warehouse"})

        copy = await store.copy(_NAME, source.generation, "snapshots/1.json")

        assert await content_of(store, "snapshots/1.json") == b"1"
        assert copy == await store.stat("snapshots/1.json")
        assert (copy.labels, copy.sha256, copy.name) == (source.labels, source.sha256, "snapshots/1.json")
        assert await store.stat(_NAME) == source

    async def test_a_source_that_is_gone_is_not_copied(self, store: ObjectStore) -> None:
        with pytest.raises(GenerationChanged, match="not there"):
            await store.copy(_NAME, 7, "copy")

    async def test_objects_are_listed_by_prefix_in_order_of_name(self, store: ObjectStore) -> None:
        names = ["a", "b/1", "b/10", "b/2", "b0", "B/1", "b/é", "창고/x"]
        infos = {name: await put(store, name.encode(), name=name) for name in names}

        assert list(await store.list("b/")) == [infos[name] for name in ("b/1", "b/10", "b/2", "b/é")]
        assert [info.name for info in await store.list("b/1")] == ["b/1", "b/10"]
        assert [info.name for info in await store.list("b")] == ["b/1", "b/10", "b/2", "b/é", "b0"]
        assert [info.name for info in await store.list("")] == sorted(names)

    async def test_an_object_is_deleted_once_and_a_missing_one_is_fine(self, store: ObjectStore) -> None:
        first = await put(store, b"1", name="a/b/c")

        for _ in range(2):
            await store.delete("a/b/c", first.generation)

        assert await store.list("") == []
        await put(store, b"2", name="a")


class ObjectStoreContract(PlainObjectStoreContract):
    """All of it."""

    async def test_labels_hold_any_text(self, store: ObjectStore) -> None:
        labels = {"이유": "첫 번째 실행", "quote": "\"'\\\n", "syncd-write-id": "not the write id"}

        info = await store.put(_NAME, b"1", 0, "write-1", labels)

        found = await store.stat(_NAME)
        assert found == info
        assert (info.labels, info.write_id) == (labels, "write-1")

    @pytest.mark.parametrize("expected", [pytest.param(0, id="none expected"), pytest.param(1, id="another one expected")])
    async def test_a_write_that_expects_another_generation_changes_nothing(self, store: ObjectStore, expected: int) -> None:
        first = await put(store, b"1")

        with pytest.raises(GenerationChanged, match=str(first.generation)):
            await put(store, b"2", expected)

        assert await content_of(store) == b"1"
        assert await store.stat(_NAME) == first

    async def test_a_write_that_expects_an_object_makes_none(self, store: ObjectStore) -> None:
        with pytest.raises(GenerationChanged, match="not there"):
            await put(store, b"1", 12345)

        assert await store.stat(_NAME) is None

    async def test_our_own_write_tried_again_is_the_success_that_it_was(self, store: ObjectStore) -> None:
        first = await put(store, b"1")

        again = await put(store, b"1")

        assert again == first

    async def test_an_object_is_not_read_again_while_it_is_of_the_generation_that_is_known(self, store: ObjectStore) -> None:
        first = await put(store, b"1")

        assert await store.get(_NAME, unless=first.generation) is None

        await put(store, b"2", first.generation)
        found = await store.get(_NAME, unless=first.generation)
        assert found is not None
        assert found.content == b"2"

    async def test_a_source_that_has_changed_is_not_copied(self, store: ObjectStore) -> None:
        source = await put(store, b"1")
        await put(store, b"2", source.generation)

        with pytest.raises(GenerationChanged, match=_NAME):
            await store.copy(_NAME, source.generation, "copy")

        assert await store.stat("copy") is None

    async def test_a_copy_that_is_there_is_left_and_answered(self, store: ObjectStore) -> None:
        source = await put(store, b"1")
        first = await store.copy(_NAME, source.generation, "copy")
        changed = await put(store, b"2", source.generation)

        again = [await store.copy(_NAME, generation, "copy") for generation in (source.generation, changed.generation)]

        assert again == [first, first]
        assert await content_of(store, "copy") == b"1"

    async def test_an_object_of_another_generation_is_not_deleted(self, store: ObjectStore) -> None:
        first = await put(store, b"1")
        second = await put(store, b"2", first.generation)

        await store.delete(_NAME, first.generation)

        assert await store.stat(_NAME) == second

    async def test_of_sixteen_who_create_an_object_at_once_exactly_one_wins(self, store: ObjectStore, other: ObjectStore) -> None:
        for attempt in range(3):
            name = f"round {attempt}"

            ends = await asyncio.gather(
                *(put([store, other][writer % 2], str(writer).encode(), name=name) for writer in range(16)), return_exceptions=True
            )

            winners = [writer for writer, end in enumerate(ends) if isinstance(end, ObjectInfo)]
            assert len(winners) == 1
            assert [type(end) for end in ends].count(GenerationChanged) == 15
            assert await content_of(store, name) == str(winners[0]).encode()

    async def test_no_increment_of_eight_writers_is_lost(self, store: ObjectStore, other: ObjectStore) -> None:
        async def add_ten(writer: int) -> None:
            for _ in range(10):
                await increment([store, other][writer % 2], writer)

        await asyncio.gather(*(add_ten(writer) for writer in range(8)))

        assert await content_of(store, "number") == b"80"
