"""What the API promises to every client, as one list: promise -> what a client has to find on `one_of_each` with a run of `warehouse`."""

from collections.abc import Mapping
from typing import Any

SYNCS = ["ai", "products", "warehouse"]
SERVICES = ["Access", "Audit", "Clients", "Control", "Metadata"]


def promises(epoch: str, digest: str) -> Mapping[str, Any]:
    """For a daemon with this epoch, whose published object has this SHA-256."""
    return {
        # It tells what it can do.
        "daemon": {"capabilities": ["access", "audit", "clients", "control", "metadata", "search"], "syncs": 3, "epoch": epoch},
        # Lists come in pages, in order.
        "syncs": SYNCS,
        # The same request id is the same run, and a watch ends with it.
        "run": {"same": True, "state": "RUN_STATE_DONE"},
        # Every error carries a stable reason; that of a wrong request names the field.
        "unknown": {"code": "NOT_FOUND", "reason": "sync.unknown", "domain": "syncd", "fields": []},
        "invalid": {"code": "INVALID_ARGUMENT", "reason": "run.unknown_mode", "domain": "syncd", "fields": ["mode"]},
        # The first message of a watch is complete, and says of which start of the daemon its revision is.
        "snapshot": {"complete": True, "syncs": SYNCS, "epoch": epoch, "revised": True},
        # A cursor that is handed on loses nothing and doubles nothing.
        "audit": [1, 2, 3, 4],
        # Bytes arrive whole, and the digest that is told is theirs.
        "cache": {"sha256": digest, "whole": True},
        # A client's deadline holds, for streams too.
        "late": "DEADLINE_EXCEEDED",
        # Whoever knows nothing of syncd finds out whether it is well and what it serves.
        "health": ["SERVING", "SERVING"],
        "services": ["grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection", *(f"syncapi.v1.{name}" for name in SERVICES)],
    }


ABOUT_ITSELF = frozenset({"health", "services"})
"""Promises to programs that do not know syncd. Our own command line client asks neither."""
