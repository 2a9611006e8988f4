"""What a tool wants of syncd, in Python: `python python_client.py ADDRESS SYNC METADATA_SYNC REQUEST_ID`; prints one JSON object.

Needs grpcio, grpcio-status and the package `syncapi`, which comes with syncd and can be made from its .proto files.
"""

import hashlib
import json
import sys
from typing import Any

import grpc
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from syncapi.v1 import audit_pb2, audit_pb2_grpc, common_pb2, control_pb2, control_pb2_grpc, metadata_pb2, metadata_pb2_grpc

SECONDS = 20.0
"""Every call should have a deadline."""


def syncs(control: Any) -> list[str]:
    """All syncs, page by page."""
    names: list[str] = []
    token = ""
    while True:
        page = control.ListSyncs(control_pb2.ListSyncsRequest(page_size=2, page_token=token), timeout=SECONDS)
        names += [sync.name for sync in page.syncs]
        token = page.next_page_token
        if not token:
            return names


def run(control: Any, sync: str, request_id: str) -> dict[str, Any]:
    """A run, asked for twice with one id, as after an answer that got lost; watched until it ends."""
    wish = control_pb2.StartRunRequest(sync=sync, mode="full", request_id=request_id, queue=True)
    first = control.StartRun(wish, timeout=SECONDS).run
    again = control.StartRun(wish, timeout=SECONDS).run
    state = first.state
    for message in control.WatchRun(control_pb2.WatchRunRequest(run=first.id)):
        state = message.run.state
    return {"same": first.id == again.id, "state": common_pb2.RunState.Name(state)}


def unknown(control: Any) -> dict[str, str]:
    """What an error tells."""
    try:
        control.GetSync(control_pb2.GetSyncRequest(sync="no-such-sync"), timeout=SECONDS)
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)  # type: ignore[arg-type] # such an error is a call as well
        info = ErrorInfo()
        if status and any(detail.Unpack(info) for detail in status.details if detail.Is(info.DESCRIPTOR)):
            return {"code": error.code().name, "reason": info.reason, "domain": info.domain}
    return {}


def snapshot(control: Any) -> dict[str, Any]:
    """The first message of a watch is complete."""
    watch = control.WatchSyncs(control_pb2.WatchSyncsRequest())
    first = next(watch)
    watch.cancel()
    return {"complete": first.snapshot, "syncs": sorted(sync.name for sync in first.syncs)}


def tail(audit: Any, after: int, wanted: int) -> list[int]:
    """Some entries of the audit log behind a sequence; the stream would go on for ever."""
    stream = audit.TailAudit(audit_pb2.TailAuditRequest(after_sequence=after))
    sequences: list[int] = []
    for message in stream:
        sequences += [entry.sequence for entry in message.entries]
        if len(sequences) >= wanted:
            break
    stream.cancel()
    return sequences[:wanted]


def cache(metadata: Any, sync: str) -> dict[str, Any]:
    """The bytes of a published object, which arrive in chunks, compared with the digest that was told."""
    digest, told = hashlib.sha256(), ""
    for message in metadata.GetCache(metadata_pb2.GetCacheRequest(sync=sync), timeout=SECONDS):
        told = told or message.info.sha256
        digest.update(message.chunk)
    return {"sha256": digest.hexdigest(), "whole": digest.hexdigest() == told}


def main(address: str, sync: str, metadata_sync: str, request_id: str) -> None:
    with grpc.insecure_channel(address) as channel:
        control: Any = control_pb2_grpc.ControlStub(channel)
        audit: Any = audit_pb2_grpc.AuditStub(channel)
        metadata: Any = metadata_pb2_grpc.MetadataStub(channel)
        found = {
            "syncs": syncs(control),
            "run": run(control, sync, request_id),
            "unknown": unknown(control),
            "snapshot": snapshot(control),
            "audit": [*(first := tail(audit, 0, 2)), *tail(audit, first[-1], 2)],
            "cache": cache(metadata, metadata_sync),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
