"""What travels from a source to a target, and what comes back."""

from dataclasses import dataclass, field
from enum import Enum
from typing import NewType

import pyarrow as pa

Checkpoint = NewType("Checkpoint", str)
"""Where the next run starts: text that only the engine which wrote it can read."""

_COLUMNS: list[tuple[str, pa.DataType]] = [
    ("mark", pa.string()),
    ("key", pa.string()),
    ("id", pa.string()),
    ("document", pa.string()),
    ("fingerprint", pa.int64()),
]
DOCUMENTS = pa.schema(_COLUMNS)
"""The columns of `Batch.rows`.

`mark`         what the ledger knows the row by: the document id as text, or something unique where there is no usable id
`key`          the row's key in the source as a JSON array of texts, `["1"]` or `["KR", "7"]`; null stays null
`id`           the document id as one JSON value as it stands in the document: `7`, `"a-1"`; `null` where the row has none
`document`     the whole document as one line of JSON without the newline; it holds the id under the index's primary key
`fingerprint`  64 bits of a hash of the document's content
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes that travel together, columnar from source to target: nothing is boxed row by row on the way."""

    rows: pa.RecordBatch
    """New or changed records, schema `DOCUMENTS`, shape (n, 5)."""
    gone: pa.StringArray
    """Ids (plain text, unquoted) of records that no longer exist. A target that does not hold one of them does nothing about it."""
    reaches: Checkpoint
    """Where the sync stands once all of this is durable."""
    read: int = 0
    """Rows of the source that this batch accounts for; unchanged rows travel in no batch and are not among them."""

    def __post_init__(self) -> None:
        if self.rows.schema != DOCUMENTS:
            raise ValueError(f"a batch has the columns {DOCUMENTS.names}, not {self.rows.schema.names}")

    @property
    def size(self) -> int:
        """Bytes of all documents together, newlines not counted."""
        return int(self.rows.column("document").nbytes)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row of a batch that the target will never take: `row` is its position in `Batch.rows`."""

    row: int
    code: str
    """Stable, short, the target's own word where it has one: `invalid_document_id`."""
    reason: str
    """One sentence for people: what was found, what was expected."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Everything in `batch` but the refused rows is durable in the target, and its deletions are done."""

    batch: Batch
    refused: tuple[Refusal, ...] = field(default=())


class Severity(Enum):
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth telling about a place: `code` is stable, `message` names what was found and what to do."""

    severity: Severity
    code: str
    message: str
