"""Datasets and the tables in them, page by page."""

from collections.abc import Sequence

from syncd.connectors.bigquery import tables
from syncd.connectors.bigquery.client import Client, Json, Request
from syncd.connectors.bigquery.failures import LIST_TABLES, SEE_DATASETS, Rejected
from syncd.domain.errors import SourceMismatch, SourceUnavailable
from syncd.kit.text import did_you_mean
from syncd.ports.warehouse import Listed

_PAGE = 1000
"""The most that BigQuery puts on one."""


async def datasets(client: Client) -> Sequence[str]:
    """The names of all datasets that the account may see."""
    request = Request("the datasets of the project", SEE_DATASETS, ("datasets",), {"maxResults": _PAGE})
    found = await _paged(client, request, "datasets")
    with client.expected(request.what):
        return sorted(each["datasetReference"]["datasetId"] for each in found)


async def tables_of(client: Client, dataset: str, allowed: Sequence[str] = ()) -> Sequence[Listed]:
    """All tables of a dataset. Raises `SourceMismatch` if there is no such dataset, or it is not among the allowed."""
    if allowed and dataset not in allowed:
        known = did_you_mean(dataset, allowed)
        raise SourceMismatch(
            f"the dataset {dataset} is not among the `datasets` of the connection{known}",
            hint="add it there, or take it out of the `schemas` of the sync",
        )
    request = Request(f"the tables of the dataset {dataset}", LIST_TABLES, ("datasets", dataset, "tables"), {"maxResults": _PAGE})
    try:
        found = await _paged(client, request, "tables")
    except Rejected as error:
        if error.said.gone:
            raise await _unknown(client, dataset) from error
        raise
    with client.expected(request.what):
        return list({each.name: each for each in map(tables.listed, found)}.values())


async def _paged(client: Client, request: Request, key: str) -> Sequence[Json]:
    """What is listed under a key of all pages.

    Raises `SourceUnavailable` where these cannot be all pages: a table that got lost would look like one that was deleted.
    """
    found: list[Json] = []
    tokens = {""}
    token = ""
    while True:
        page = await client.ask(request.page(token))
        with client.expected(request.what):
            items, total, token = _items(page, key), int(page.get("totalItems", 0)), str(page.get("nextPageToken") or "")
        found += items
        if not token:
            break
        if token in tokens:
            raise SourceUnavailable(f"{client.place} names the same page of {request.what} twice")
        tokens.add(token)
    if total > len(found) and len(items) >= int(request.params["maxResults"]):
        raise SourceUnavailable(f"{client.place} lists {len(found)} of {total} of {request.what}, and names no further page")
    return found


def _items(page: Json, key: str) -> Sequence[Json]:
    items = page.get(key, [])
    # An object without a kind is somebody else's, and would look like an empty dataset.
    if not str(page["kind"]).startswith("bigquery#") or not isinstance(items, list):
        raise TypeError("not a page")
    return items


async def _unknown(client: Client, dataset: str) -> SourceMismatch:
    """The error for a dataset that is not there. What the project has is only told if the account may see it."""
    known: Sequence[str] = ()
    try:
        known = await datasets(client)
    except Rejected as error:
        if not error.said.denied:
            raise
    found = did_you_mean(dataset, known)
    return SourceMismatch(f"{client.place} has no dataset {dataset}{found}", hint="check the `schemas` of the sync, and `project`")
