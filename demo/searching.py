"""Searching the index of the demo, as any program would: the daemon has no part in it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import meilisearch

from demo.world import World
from syncd.connectors.fts5 import search

INDEX = "products"
_MOST = 100

Document = Mapping[str, Any]
Search = Callable[[str], Sequence[Document]]
"""From some words to the documents that hold all of them, the best first."""


def in_meilisearch(world: World) -> Search:
    index = meilisearch.Client(world.url, world.key, timeout=10).index(INDEX)

    def found(words: str) -> Sequence[Document]:
        hits: Sequence[Document] = index.search(words, {"limit": _MOST, "matchingStrategy": "all"})["hits"]
        return hits

    return found


def in_fts5(world: World) -> Search:
    return lambda words: search(world.search_db, INDEX, words, _MOST)
