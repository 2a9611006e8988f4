"""Whether a connection works, in a line for people; else the step that fails."""

from datetime import timedelta

from syncd.connectors.bigquery.client import connected
from syncd.connectors.bigquery.examining import SIMPLEST, dry_run, examined
from syncd.connectors.bigquery.listing import datasets, tables_of
from syncd.connectors.bigquery.settings import Settings
from syncd.kit.text import counted

_PATIENCE = timedelta(seconds=5)
"""Somebody waits for the answer."""


async def check(settings: Settings) -> str:
    """List what there is, and have the simplest query looked at. Raises what that raises."""
    hasty = settings.model_copy(update={"patience": min(settings.patience, _PATIENCE)})
    async with connected(hasty) as client:
        seen = await datasets(client)
        for dataset in settings.datasets:
            await tables_of(client, dataset)
        answer = await client.ask(dry_run(SIMPLEST, settings.project, settings.location, settings.max_bytes))
        with client.expected("a dry run"):
            examined(answer)
    return f"BigQuery project {settings.project}, {counted(len(seen), 'dataset')}"
