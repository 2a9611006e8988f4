"""`syncctl`, as a program like any other: by what it prints and how it ends."""

import json
import re
import sys
from hashlib import sha256
from typing import Any

from google.protobuf import text_format
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from tests.system.foreign.curl import seen
from tests.system.foreign.programs import first
from tests.system.harness import SyncdProcess

Found = dict[str, Any]
_TIMED_OUT = 124


def found(syncd: SyncdProcess) -> Found:
    """What it finds of the promises."""
    daemon = json.loads(syncd.ctl("daemon", "info", "-o", "json").stdout)
    names = [sync["name"] for sync in json.loads(syncd.ctl("status", "-o", "json").stdout)["syncs"]]
    wish = ["run", "products", "--mode", "full", "--request-id", "from syncctl", "--queue", "-o", "json"]
    runs = [json.loads(syncd.ctl(*wish).stdout)["run"] for _ in range(2)]
    [watched] = first(watching(syncd), 1)
    early = _sequences(syncd, 0)[:2]
    digest = sha256(syncd.ctl("metadata", "get", "warehouse").stdout.encode()).hexdigest()
    whole = not syncd.ctl("metadata", "get", "warehouse", "--if-none-match", digest).stdout
    ended = syncd.ctl("status", "-w", "-o", "json", "--timeout", "1s").returncode
    return {
        "daemon": {name: daemon[name] for name in ("capabilities", "syncs", "epoch")},
        "syncs": names,
        "run": {"same": runs[0]["id"] == runs[1]["id"], "state": runs[1]["state"]},
        "unknown": _told(syncd, "show", "no-such-sync"),
        "invalid": _told(syncd, "run", "products", "--mode", "no-such-mode"),
        "snapshot": seen(watched),
        "audit": early + _sequences(syncd, early[-1])[:2],
        "cache": {"sha256": digest, "whole": whole},
        "late": "DEADLINE_EXCEEDED" if ended == _TIMED_OUT else str(ended),
    }


def watching(syncd: SyncdProcess) -> list[str]:
    """The command that shows every message of a watch."""
    return [sys.executable, "-m", "syncctl", "--address", f"unix:{syncd.socket}", "status", "-w", "--reconnect", "2m", "-o", "json"]


def _sequences(syncd: SyncdProcess, after: int) -> list[int]:
    lines = syncd.ctl("audit", "tail", "--after", str(after), "-o", "json").stdout.splitlines()
    return [int(json.loads(line)["sequence"]) for line in lines]


def _told(syncd: SyncdProcess, *arguments: str) -> Found:
    """What the wire said of an error, which `--debug` shows behind the lines for people."""
    said = syncd.ctl(*arguments, "--debug").stderr
    [code] = re.findall("^([A-Z_]+): ", said, re.MULTILINE)
    status, info, bad = Status(), ErrorInfo(), BadRequest()
    text_format.Parse(said[said.index("\ncode: ") :], status)
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    return {"code": code, "reason": info.reason, "domain": info.domain, "fields": [violation.field for violation in bad.field_violations]}
