"""What of a load waits, what is under way, and what can be vouched for. Nothing here waits or sends."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from syncd.connectors.meilisearch.settings import Settings
from syncd.domain.batch import Batch, Receipt, Refusal

_MOST_PARCELS = 100
"""As many tasks can be asked for in one short request."""


@dataclass(slots=True, eq=False)
class Ticket:
    """One batch on its way. `open` counts its rows and deletions that are not settled yet."""

    batch: Batch
    refused: list[Refusal]
    open: int = 0

    def receipt(self) -> Receipt:
        return Receipt(self.batch, tuple(sorted(self.refused, key=lambda refusal: refusal.row)))


@dataclass(frozen=True, slots=True)
class Piece:
    """Neighbouring rows, or deletions, of one batch."""

    ticket: Ticket
    texts: pa.StringArray
    """Documents, or the ids of deletions."""
    rows: Sequence[int] | None
    """Where each document stands in its batch; None for deletions."""
    size: int = field(init=False)
    """Bytes of the texts; asked for often, and not quickly told by Arrow."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", int(self.texts.nbytes))

    def cut(self, at: int) -> "tuple[Piece, Piece]":
        first, second = (None, None) if self.rows is None else (self.rows[:at], self.rows[at:])
        return replace(self, texts=self.texts[:at], rows=first), replace(self, texts=self.texts[at:], rows=second)

    def fitting(self, rows: int, size: int) -> int:
        """How many from the beginning are within both bounds."""
        if len(self.texts) <= rows and self.size <= size:
            return len(self.texts)
        within = pc.less_equal(pc.cumulative_sum(pc.cast(pc.binary_length(self.texts), pa.int64())), size)
        return min(rows, int(pc.sum(within).as_py() or 0))


@dataclass(slots=True, eq=False)
class Parcel:
    """What one request carries: documents to store, or ids to delete, never both."""

    pieces: tuple[Piece, ...]
    task: int | None = None
    """The task that does it; None before it is sent, or when the server refused to take it."""

    @property
    def deletes(self) -> bool:
        return self.pieces[0].rows is None

    @property
    def rows(self) -> int:
        return sum(len(piece.texts) for piece in self.pieces)

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces)

    def payload(self) -> bytes:
        """NDJSON of the documents, joined natively; or a JSON array of the ids."""
        texts = pa.concat_arrays([piece.texts for piece in self.pieces])
        if self.deletes:
            return orjson.dumps(texts.to_pylist())
        lines = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
        return bytes(pc.binary_join(lines, "\n")[0].as_buffer().to_pybytes())

    def halves(self) -> "tuple[Parcel, Parcel]":
        half, first, second = self.rows // 2, list[Piece](), list[Piece]()
        for piece in self.pieces:
            left, right = piece.cut(min(half, len(piece.texts)))
            half -= len(left.texts)
            first += [left] if len(left.texts) else []
            second += [right] if len(right.texts) else []
        return Parcel(tuple(first)), Parcel(tuple(second))

    def settle(self) -> None:
        for piece in self.pieces:
            piece.ticket.open -= len(piece.texts)

    def refuse(self, code: str, reason: str) -> None:
        """The server will never take any row of this parcel."""
        for piece in self.pieces:
            piece.ticket.refused += [Refusal(row, code, reason) for row in piece.rows or ()]
        self.settle()


@dataclass(frozen=True, slots=True)
class Bounds:
    rows: int
    size: int

    def divided(self, by: int) -> "Bounds":
        return Bounds(max(1, self.rows // by), max(1, self.size // by))


@dataclass(slots=True, eq=False)
class Window:
    """The batches of one load, in their order."""

    flying: deque[Parcel] = field(default_factory=deque)
    """Sent and not settled, in the order of sending."""
    _tickets: deque[Ticket] = field(default_factory=deque)
    _waiting: deque[Piece] = field(default_factory=deque)

    @property
    def idle(self) -> bool:
        return not self._tickets

    def add(self, batch: Batch, refused: Mapping[int, Refusal], gone: pa.StringArray) -> None:
        """Take a batch in, without the rows that are refused by rule; `gone` are the deletions that make sense."""
        ticket = Ticket(batch, list(refused.values()))
        documents = batch.rows.column("document")
        rows: Sequence[int] = range(len(documents))
        if refused:
            rows = [row for row in rows if row not in refused]
            documents = documents.take(pa.array(rows, pa.int64()))
        for piece in (Piece(ticket, documents, rows), Piece(ticket, gone, None)):
            if len(piece.texts):
                ticket.open += len(piece.texts)
                self._waiting.append(piece)
        self._tickets.append(ticket)

    def receipts(self) -> Iterator[Receipt]:
        """The batches that are settled, up to the first that is not; each once."""
        while self._tickets and self._tickets[0].open == 0:
            yield self._tickets.popleft().receipt()

    def ripe(self, bounds: Bounds) -> bool:
        """Whether the next parcel cannot grow any more, whatever comes."""
        rows = sum(len(piece.texts) for piece in self._waiting)
        size = sum(piece.size for piece in self._waiting)
        kinds = {piece.rows is None for piece in self._waiting}
        return rows >= bounds.rows or size >= bounds.size or len(kinds) > 1

    def take(self, bounds: Bounds) -> Parcel | None:
        """The next parcel within bounds; a row that exceeds them goes alone."""
        pieces: list[Piece] = []
        rows, size = bounds.rows, bounds.size
        while self._waiting and (not pieces or (pieces[0].rows is None) == (self._waiting[0].rows is None)):
            fitting = self._waiting[0].fitting(rows, size) or (0 if pieces else 1)
            if fitting == 0:
                break
            piece = self._waiting.popleft()
            if fitting < len(piece.texts):
                piece, rest = piece.cut(fitting)
                self._waiting.appendleft(rest)
            pieces.append(piece)
            rows, size = rows - len(piece.texts), size - piece.size
        return Parcel(tuple(pieces)) if pieces else None


class Budget:
    """What all loads of one connection may have under way together."""

    def __init__(self, settings: Settings) -> None:
        self._wide = Bounds(settings.wide_rows, settings.wide_bytes)
        self._narrow = Bounds(settings.narrow_rows, settings.narrow_bytes)
        self._windows: list[Window] = []

    @contextmanager
    def joined(self) -> Iterator[Window]:
        """A window that counts from now on."""
        window = Window()
        self._windows.append(window)
        try:
            yield window
        finally:
            self._windows.remove(window)

    def parcel(self, *, crowded: bool) -> Bounds:
        """The largest parcel."""
        return self._narrow.divided(2) if crowded else self._wide.divided(10)

    def admits(self, window: Window, *, crowded: bool) -> bool:
        """Whether a window may send a parcel now. One that has nothing under way always may: no load waits for another one's end."""
        if not window.flying:
            return True
        if len(window.flying) >= _MOST_PARCELS:
            return False
        bounds, next_one = self._narrow if crowded else self._wide, self.parcel(crowded=crowded)
        flying = [parcel for each in self._windows for parcel in each.flying]
        rows, size = sum(parcel.rows for parcel in flying), sum(parcel.size for parcel in flying)
        return rows + next_one.rows <= bounds.rows and size + next_one.size <= bounds.size
