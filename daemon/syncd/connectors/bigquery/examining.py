"""Dry runs: what BigQuery thinks of a query, free of charge and without carrying it out.

That rests on the server, and there are emulators whose dry run carries out scripts. So what does not look like one query is not sent.
"""

import re
from collections.abc import Mapping
from typing import Any

from syncd.connectors.bigquery.client import Json, Request
from syncd.connectors.bigquery.failures import CREATE_JOBS, Said
from syncd.domain.errors import SourceUnavailable
from syncd.ports.warehouse import Examined

SIMPLEST = "SELECT 1"
"""Whoever may not even have this looked at may create no jobs."""
_BEGINNING = re.compile(r"(?:--[^\n]*\n|#[^\n]*\n|/\*.*?\*/|\s|\()*+(?:SELECT|WITH|FROM)\b", re.IGNORECASE | re.DOTALL)


def is_one_query(text: str) -> bool:
    """Whether a text is surely a single query. One with a semicolon in a literal may be, but is not surely."""
    return _BEGINNING.match(text) is not None and ";" not in text.rstrip("; \t\r\n")


def dry_run(query: str, project: str, location: str | None, max_bytes: int) -> Request:
    """The question what a query would do. Neither its text nor what it names stands in any message of the request."""
    reference = {"projectId": project, **({"location": location} if location else {})}
    looked_at = {"query": query, "useLegacySql": False, "useQueryCache": False, "maximumBytesBilled": str(max_bytes)}
    body = {"jobReference": reference, "configuration": {"dryRun": True, "query": looked_at}}
    return Request("a dry run", CREATE_JOBS, ("jobs",), body=body)


def examined(answer: Json) -> Examined:
    """The answer to a dry run that BigQuery did. Something that is not a query is a problem, whatever it would do."""
    failed = answer["status"].get("errorResult")
    if failed:
        said = Said.within(failed)
        if said.passes:
            raise SourceUnavailable(f"BigQuery cannot look at a query now: {said.message}")
        return unfit(said)
    statistics = answer["statistics"]
    within: Mapping[str, Any] = statistics.get("query", {})
    kind = within.get("statementType", "SELECT")
    if kind != "SELECT":
        return Examined(analysed=False, ran=False, problem=f"it is a {kind}, expected a SELECT")
    read = within.get("totalBytesProcessed", statistics.get("totalBytesProcessed"))
    return Examined(analysed=True, ran=False, bytes=None if read is None else int(read))


def unfit(said: Said) -> Examined:
    """What a refused query is told."""
    denied = "; is there such a table, and has the account bigquery.tables.getData on it?" if said.denied else ""
    return Examined(analysed=False, ran=False, problem=f"{said.message or ' '.join(said.reasons)}{denied}")
