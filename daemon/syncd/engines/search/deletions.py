"""When a comparison of keys may delete, and when it must ask."""

from syncd.domain.errors import ShrinkRefused
from syncd.engines.search.settings import Deletions


def check_shrink(*, held: int, lost: int, limits: Deletions, allowed: bool) -> None:
    """Refuse to delete `lost` of `held` documents if a broken source is the likelier cause. Raises `ShrinkRefused`.

    It asks if the index would be empty afterwards, or if more than `max_shrink` of it and more than `min_shrink` documents would go.
    """
    if allowed or lost == 0:
        return
    if lost < held and (lost <= limits.min_shrink or lost <= held * limits.max_shrink):
        return
    raise ShrinkRefused(
        f"{lost:,} of {held:,} documents have no row in the source any more; deleting them needs your word",
        hint="look at the source; if the rows are really gone, start the run again with -p allow_shrink=true",
    )
