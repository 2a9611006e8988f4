"""The token that goes with every call, if there is one."""

import os
from pathlib import Path

from syncctl.problems import Exit, Problem


def metadata(target: str) -> tuple[tuple[str, str], ...]:
    """What to send along: the token of `$SYNCD_TOKEN`, or of the file that `$SYNCD_TOKEN_FILE` names.

    Raises `Problem` if others can read the file, or the token would travel over a network in the clear.
    """
    token = os.environ.get("SYNCD_TOKEN", "").strip() or _from_file(os.environ.get("SYNCD_TOKEN_FILE", ""))
    if not token:
        return ()
    if not _local(target):
        raise Problem(
            f"a token is not sent to {target} in the clear", hint="use a UNIX socket, or a tunnel to a loopback address", code=Exit.USAGE
        )
    return (("authorization", f"Bearer {token}"),)


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


def _local(target: str) -> bool:
    host = target.rpartition(":")[0].strip("[]")
    return target.startswith("unix:") or host in ("localhost", "::1") or host.startswith("127.")
