"""Searching the index of the demo, as any program would: syncd has no part in it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import meilisearch

from demo.world import World

INDEX = "products"

Document = Mapping[str, Any]
Search = Callable[[str], Sequence[Document]]
"""From some words to the best documents, the best first."""


def in_meilisearch(world: World) -> Search:
    index = meilisearch.Client(world.url, world.key, timeout=10).index(INDEX)

    def search(words: str) -> Sequence[Document]:
        found: Sequence[Document] = index.search(words, {"limit": 3, "matchingStrategy": "all"})["hits"]
        return found

    return search


def in_fts5(world: World) -> Search:
    raise NotImplementedError
