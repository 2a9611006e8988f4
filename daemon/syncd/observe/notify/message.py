"""The JSON that a channel gets."""

import json
import socket
from datetime import UTC
from hashlib import sha256

from syncd.domain.notice import Notice

_VERBS = {"halted": "halted", "failed": "failed", "recovered": "has recovered", "drift": "has drifted", "warnings": "has warnings"}


def message(notice: Notice) -> bytes:
    """One object. `text` says all of it in one line, which is what chat services show; `id` stays the same however often it is sent."""
    at = notice.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    happening, host = notice.happening.value, socket.gethostname()
    identity = sha256(f"{host}|{notice.sync}|{happening}|{notice.at.isoformat()}|{notice.code}".encode()).hexdigest()[:32]
    text = f"syncd on {host}: sync '{notice.sync}' {_VERBS[happening]}: {notice.message}"
    members = {
        "version": 1,
        "id": identity,
        "event": happening,
        "sync": notice.sync,
        "at": at,
        "host": host,
        "code": notice.code,
        "message": notice.message,
        "hint": notice.hint,
        "run": notice.run,
        "mode": notice.mode,
        "text": f"{text} ({notice.hint})" if notice.hint else text,
    }
    return json.dumps(members, ensure_ascii=False).encode(errors="replace")
