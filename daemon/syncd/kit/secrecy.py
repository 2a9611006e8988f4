"""What must not be shown, judged by its name or form."""

import re

_SECRET_WORD = re.compile(
    r"(?:^|[_.\- ])(?:api)?(?:keys?|passw(?:or)?d|passphrase|pwd|secrets?|tokens?|credentials?|authorization|cookie|dsn)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+(?=@)")

HIDDEN = "•••"


def sounds_secret(name: str) -> bool:
    """Whether a value of this name could be a secret: `key`, `api_key`, `masterKey`, `db-password`, `X-Auth-Token`."""
    return _SECRET_WORD.search(_CAMEL.sub("_", name)) is not None


def without_login(text: str) -> str:
    """The text with user names and passwords in URLs hidden."""
    return _USER_INFO.sub(HIDDEN, text)
