"""The token that goes with every call, if there is one."""

import os
from pathlib import Path

from syncctl.problems import Exit, Problem


def metadata() -> tuple[tuple[str, str], ...]:
    """What to send along: the token of `$SYNCD_TOKEN`, or of the file that `$SYNCD_TOKEN_FILE` names.

    Raises `Problem` if others can read the file.
    """
    token = os.environ.get("SYNCD_TOKEN", "").strip() or _from_file(os.environ.get("SYNCD_TOKEN_FILE", ""))
    return (("authorization", f"Bearer {token}"),) if token else ()


def _from_file(name: str) -> str:
    if not name:
        return ""
    path = Path(name).expanduser()
    try:
        if path.stat().st_mode & 0o077:
            raise Problem(f"others can read the token in {path}", hint=f"chmod 600 {path}", code=Exit.USAGE)
        return path.read_text().strip()
    except OSError as error:
        raise Problem(f"the token in {path} cannot be read: {error.strerror}", hint="see $SYNCD_TOKEN_FILE", code=Exit.USAGE) from error
