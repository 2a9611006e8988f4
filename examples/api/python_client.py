"""What a tool wants of syncd, in Python: `python python_client.py ADDRESS SYNC METADATA_SYNC REQUEST_ID`; prints one JSON object.

Needs grpcio with grpcio-health-checking, -reflection and -status, and the package `syncapi`, which comes with syncd and can be made from
its .proto files.
"""

import hashlib
import json
import sys
from typing import Any

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
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


def refusal(call: Any, request: Any) -> dict[str, Any]:
    """What an error tells: the status, our stable reason, and which fields of the request are wrong."""
    try:
        call(request, timeout=SECONDS)
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)  # type: ignore[arg-type] # such an error is a call as well
        info, bad = ErrorInfo(), BadRequest()
        for detail in status.details if status else ():
            detail.Unpack(info)
            detail.Unpack(bad)
        fields = [violation.field for violation in bad.field_violations]
        return {"code": error.code().name, "reason": info.reason, "domain": info.domain, "fields": fields}
    return {}


def daemon(control: Any) -> dict[str, Any]:
    """What this daemon can do; its epoch changes with every start."""
    told = control.GetDaemon(control_pb2.GetDaemonRequest(), timeout=SECONDS)
    return {"capabilities": list(told.capabilities), "syncs": told.syncs, "epoch": told.epoch}


def snapshot(control: Any) -> dict[str, Any]:
    """The first message of a watch is complete."""
    watch = control.WatchSyncs(control_pb2.WatchSyncsRequest())
    first = next(watch)
    watch.cancel()
    syncs = sorted(sync.name for sync in first.syncs)
    return {"complete": first.snapshot, "syncs": syncs, "epoch": first.epoch, "revised": first.revision > 0}


def late(control: Any) -> str:
    """How a call ends whose time is over."""
    try:
        list(control.WatchSyncs(control_pb2.WatchSyncsRequest(), timeout=0.3))
    except grpc.RpcError as error:
        return str(error.code().name)
    return ""


def health(channel: grpc.Channel, service: str) -> str:
    """Whether a service takes calls; the empty name stands for all of them."""
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def services(channel: Any) -> list[str]:
    """What the daemon says it serves."""
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    [answer] = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(asked, timeout=SECONDS)
    return sorted(service.name for service in answer.list_services_response.service)


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
            "daemon": daemon(control),
            "unknown": refusal(control.GetSync, control_pb2.GetSyncRequest(sync="no-such-sync")),
            "invalid": refusal(control.StartRun, control_pb2.StartRunRequest(sync=sync, mode="no-such-mode")),
            "snapshot": snapshot(control),
            "late": late(control),
            "health": [health(channel, service) for service in ("", "syncapi.v1.Control")],
            "services": services(channel),
            "audit": [*(first := tail(audit, 0, 2)), *tail(audit, first[-1], 2)],
            "cache": cache(metadata, metadata_sync),
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
