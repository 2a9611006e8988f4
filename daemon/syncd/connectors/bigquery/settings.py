"""The settings of a BigQuery connection."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from syncd.settings.secret import Secret
from syncd.settings.section import Duration, Section


def _web_address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("expected an address that begins with http:// or https://")
    if "@" in urlsplit(url).netloc:
        raise ValueError("an address holds no user and no password; a key is given as `credentials`")
    return url.rstrip("/")


Wait = Annotated[Duration, Field(gt=timedelta(0))]
DatasetId = Annotated[str, Field(pattern=r"^\w+$")]


class Settings(Section):
    """`[connections.NAME]` with `kind = "bigquery"`.

    Nothing here costs money: tables are described by metadata requests, queries are examined by dry runs, sample values are read without
    a query. The account needs `roles/bigquery.metadataViewer`; to examine queries also `roles/bigquery.jobUser` and
    `roles/bigquery.dataViewer`, to read sample values the latter.
    """

    project: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:_-]*$")]
    """The id of the project that holds the datasets, and in which dry runs are asked for."""
    datasets: tuple[DatasetId, ...] = ()
    """The only datasets that may be described; none means all."""
    location: str | None = None
    """Where dry runs are asked for: `EU`, `asia-northeast3`. Without it BigQuery goes by the tables that a query names."""
    endpoint: Annotated[str, AfterValidator(_web_address)] | None = None
    """Another address of the API. Without `credentials` it is spoken to anonymously."""
    credentials: Secret | None = None
    """The key file of a service account, as JSON. Without it, Application Default Credentials."""
    timeout: Wait = timedelta(seconds=20)
    """How long one HTTP request may take, with all that belongs to it."""
    patience: Wait = timedelta(minutes=1)
    """How long a request is tried again while BigQuery is busy, over its quota or not to be reached."""
    readers: Annotated[int, Field(ge=1, le=64)] = 8
    """Requests under way at once."""
    max_bytes: Annotated[int, Field(ge=1)] = 1_000_000_000_000
    """What an examined query might bill at most, if somebody ran it; told to BigQuery with every dry run."""
