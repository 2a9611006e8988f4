"""Pages of lists: a token is where the next page starts, opaque to clients."""

import base64
import binascii

from syncd.domain.errors import InvalidRequest

_MOST = 1000


def read(size: int, page_token: str, default: int) -> tuple[int, str]:
    """How many rows a page has and behind what it starts. Raises `InvalidRequest`."""
    if size < 0:
        raise InvalidRequest(f"page_size is {size}", fields={"page_size": "0 or more"})
    try:
        after = base64.urlsafe_b64decode(page_token.encode()).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _foreign() from None
    return min(size or default, _MOST), after


def limit(asked: int, default: int, most: int) -> int:
    """How many rows an answer without pages has. Raises `InvalidRequest`."""
    if asked < 0:
        raise InvalidRequest(f"limit is {asked}", fields={"limit": "0 or more"})
    return min(asked or default, most)


def number(after: str) -> int:
    """Where a page starts in a list that is ordered by number; 0 for the first page. Raises `InvalidRequest`."""
    try:
        return int(after or 0)
    except ValueError:
        raise _foreign() from None


def token(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def _foreign() -> InvalidRequest:
    return InvalidRequest("page_token is not one of ours", fields={"page_token": "next_page_token of the answer before"})
