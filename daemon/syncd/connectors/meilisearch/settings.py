"""The settings of a Meilisearch connection."""

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
        raise ValueError("an address holds no user and no password; the key is given as `key`")
    return url.rstrip("/")


Count = Annotated[int, Field(ge=1)]


class Settings(Section):
    """`[connections.NAME]` with `kind = "meilisearch"`.

    The `wide_` and `narrow_` settings bound what is under way at once over all syncs of the connection: wide while one sync has the server
    for itself, narrow while another one has work, so that its documents need not queue behind a large load.
    """

    url: Annotated[str, AfterValidator(_web_address)]
    """Where the server answers: `http://127.0.0.1:7700`."""
    key: Secret | None = None
    """An API key that may read and write the documents, settings, stats and tasks of the indexes, create, delete and swap them."""
    timeout: Duration = timedelta(seconds=30)
    """How long one HTTP request may take."""
    patience: Duration = timedelta(hours=1)
    """How long the server may work on tasks without finishing one of ours."""
    wide_rows: Count = 200_000
    """Rows under way while the server is ours. One request carries a tenth of it."""
    wide_bytes: Count = 96_000_000
    """The same in bytes of documents."""
    narrow_rows: Count = 2_000
    """Rows under way while another sync has work too. One request carries half of it."""
    narrow_bytes: Count = 2_000_000
    """The same in bytes of documents."""
