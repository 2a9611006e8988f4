"""`buf curl`, which is written in Go and learns of the services by reflection."""

import json
import subprocess
import sys
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

from tests.system.foreign.programs import SECONDS, first, printed
from tests.system.harness import SyncdProcess

Found = dict[str, Any]
_BUF = str(Path(sys.executable).parent / "buf")


class Curl:
    def __init__(self, socket: Path) -> None:
        self._connection = ["--protocol", "grpc", "--http2-prior-knowledge", "--unix-socket", str(socket)]

    def command(self, method: str, request: Found) -> list[str]:
        whole = method if method.startswith("grpc.") else f"syncapi.v1.{method}"
        return [_BUF, "curl", *self._connection, "--data", json.dumps(request), f"http://localhost/{whole}"]

    def all(self, method: str, **request: Any) -> list[Any]:
        """All answers of a call."""
        text, found = printed(self.command(method, request)).strip(), []
        while text:
            value, end = json.JSONDecoder().raw_decode(text)
            found.append(value)
            text = text[end:].strip()
        return found

    def one(self, method: str, **request: Any) -> Any:
        [answer] = self.all(method, **request)
        return answer

    def refusal(self, method: str, *options: str, **request: Any) -> Found:
        command = [*self.command(method, request), *options]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert ran.returncode != 0, command
        return dict(json.loads(ran.stderr))

    def services(self) -> list[str]:
        return sorted(printed([_BUF, "curl", *self._connection, "--list-services", "http://localhost"]).split())


def found(syncd: SyncdProcess) -> Found:
    """What it finds of the promises."""
    of = Curl(syncd.socket)
    pages = [of.one("Control/ListSyncs", pageSize=2)]
    while token := pages[-1].get("nextPageToken"):
        pages.append(of.one("Control/ListSyncs", pageSize=2, pageToken=token))
    daemon = of.one("Control/GetDaemon")
    wish = {"sync": "products", "mode": "full", "requestId": "from curl", "queue": True}
    runs = [of.one("Control/StartRun", **wish)["run"] for _ in range(2)]
    [watched] = first(of.command("Control/WatchSyncs", {}), 1)
    early = _sequences(first(of.command("Audit/TailAudit", {"afterSequence": 0}), 1))[:2]
    late = _sequences(first(of.command("Audit/TailAudit", {"afterSequence": early[-1]}), 1))[:2]
    told, *chunks = of.all("Metadata/GetCache", sync="warehouse")
    digest = sha256(b"".join(b64decode(chunk["chunk"]) for chunk in chunks)).hexdigest()
    return {
        "daemon": {name: daemon[name] for name in ("capabilities", "syncs", "epoch")},
        "syncs": [sync["name"] for page in pages for sync in page["syncs"]],
        "run": {"same": runs[0]["id"] == runs[1]["id"], "state": of.all("Control/WatchRun", run=runs[0]["id"])[-1]["run"]["state"]},
        "unknown": _told(of.refusal("Control/GetSync", sync="no-such-sync")),
        "invalid": _told(of.refusal("Control/StartRun", sync="products", mode="no-such-mode")),
        "snapshot": seen(watched),
        "audit": early + late,
        "cache": {"sha256": digest, "whole": digest == told["info"]["sha256"]},
        "late": of.refusal("Control/WatchSyncs", "--timeout", "2s")["code"].upper(),
        "health": [of.one("grpc.health.v1.Health/Check", service=service)["status"] for service in ("", "syncapi.v1.Control")],
        "services": of.services(),
    }


def seen(message: Found) -> Found:
    """The first message of a watch, in short."""
    syncs = sorted(sync["name"] for sync in message["syncs"])
    return {"complete": message["snapshot"], "syncs": syncs, "epoch": message["epoch"], "revised": int(message["revision"]) > 0}


def _sequences(messages: list[Any]) -> list[int]:
    return [int(entry["sequence"]) for message in messages for entry in message["entries"]]


def _told(refused: Found) -> Found:
    info, bad = ErrorInfo(), BadRequest()
    for detail in refused["details"]:
        kind = {"google.rpc.ErrorInfo": info, "google.rpc.BadRequest": bad}.get(detail["type"])
        if kind is not None:
            kind.ParseFromString(b64decode(detail["value"] + "=" * (-len(detail["value"]) % 4)))
    fields = [violation.field for violation in bad.field_violations]
    return {"code": refused["code"].upper(), "reason": info.reason, "domain": info.domain, "fields": fields}
