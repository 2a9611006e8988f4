"""A warehouse that cannot be seen any more looks like an empty one. Pure."""

from syncd.domain.errors import ShrinkRefused
from syncd.engines.metadata.cache import Cache


def refuse_shrinking(before: Cache, now: Cache, most: float) -> None:
    """Raises `ShrinkRefused` if so much is gone at once that a lost right, or a broken source, is the likelier cause."""
    for what, old, new in (
        ("tables", set(before.schema), set(now.schema)),
        ("columns", _columns(before), _columns(now)),
        ("examples", set(map(str, range(len(before.examples)))), set(map(str, range(len(now.examples))))),
    ):
        gone = len(old - new)
        if gone and (not new or (what != "examples" and gone > most * len(old))):
            raise ShrinkRefused(
                f"{gone} of {len(old)} {what} that are published would vanish at once; nothing was published",
                hint="check what the daemon's user may see; if it is right: syncctl metadata refresh SYNC -p allow_shrink=true",
            )


def _columns(cache: Cache) -> set[str]:
    found: set[str] = set()
    for name, record in cache.schema.items():
        columns = record.get("columns")
        found.update(f"{name}.{column}" for column in columns) if isinstance(columns, dict) else None
    return found
