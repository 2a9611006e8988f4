"""Programs that share no code with us speak to the daemon, each through the same list as our own command line client."""

import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from tests.servers.node_packages import installed
from tests.system.harness import SyncdProcess
from tests.system.one_of_each import one_of_each

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "examples" / "api"
SYNCS = ["ai", "products", "warehouse"]
SECONDS = 50

Found = dict[str, Any]


@pytest.fixture(scope="module")
def syncd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncdProcess]:
    folder = tmp_path_factory.mktemp("foreign")
    with SyncdProcess(folder / "syncd", one_of_each(folder)) as process:
        process.client.done("warehouse")
        yield process


def printed(command: list[str], folder: Path = ROOT) -> str:
    """What a program prints that has to end well."""
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ran.returncode == 0, f"{command}: {ran.stderr}"
    return ran.stdout


def python(syncd: SyncdProcess) -> Found:
    command = [sys.executable, str(API / "python_client.py"), f"unix:{syncd.socket}", "products", "warehouse", "from python"]
    return dict(json.loads(printed(command)))


def node(syncd: SyncdProcess, *folder: str) -> Found:
    command = ["node", "client.js", f"unix:{syncd.socket}", "products", "warehouse", f"from node {folder}", *folder]
    return dict(json.loads(printed(command, installed(API / "node"))))


def node_by_proto(syncd: SyncdProcess) -> Found:
    return node(syncd, str(ROOT / "proto"))


def first(command: list[str], wanted: int) -> list[Any]:
    """The first JSON values that a program prints which goes on for ever; they may span lines."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        values: list[Any] = []
        text = ""
        for line in process.stdout:
            text += line
            try:
                values.append(json.loads(text))
            except ValueError:
                continue
            text = ""
            if len(values) == wanted:
                break
        process.kill()
    return values


class Curl:
    """`buf curl`, which is written in Go and learns of the services by reflection."""

    def __init__(self, syncd: SyncdProcess) -> None:
        self._socket = syncd.socket

    def command(self, method: str, request: Found) -> list[str]:
        buf = str(Path(sys.executable).parent / "buf")
        connection = ["--protocol", "grpc", "--http2-prior-knowledge", "--unix-socket", str(self._socket)]
        return [buf, "curl", *connection, "--data", json.dumps(request), f"http://localhost/syncapi.v1.{method}"]

    def all(self, method: str, **request: Any) -> list[Any]:
        """All answers of a call."""
        text, values = printed(self.command(method, request)).strip(), []
        while text:
            value, end = json.JSONDecoder().raw_decode(text)
            values.append(value)
            text = text[end:].strip()
        return values

    def refusal(self, method: str, **request: Any) -> Found:
        ran = subprocess.run(self.command(method, request), capture_output=True, text=True, timeout=SECONDS, check=False)
        assert ran.returncode != 0
        return dict(json.loads(ran.stderr))


def curl(syncd: SyncdProcess) -> Found:
    of = Curl(syncd)
    pages = [of.all("Control/ListSyncs", pageSize=2)[0]]
    while token := pages[-1].get("nextPageToken"):
        pages += of.all("Control/ListSyncs", pageSize=2, pageToken=token)
    wish = {"sync": "products", "mode": "full", "requestId": "from curl", "queue": True}
    runs = [of.all("Control/StartRun", **wish)[0]["run"] for _ in range(2)]
    refused = of.refusal("Control/GetSync", sync="no-such-sync")
    [watched] = first(of.command("Control/WatchSyncs", {}), 1)
    early = _sequences(first(of.command("Audit/TailAudit", {"afterSequence": 0}), 1))[:2]
    late = _sequences(first(of.command("Audit/TailAudit", {"afterSequence": early[-1]}), 1))[:2]
    told, *chunks = of.all("Metadata/GetCache", sync="warehouse")
    digest = sha256(b"".join(b64decode(chunk["chunk"]) for chunk in chunks)).hexdigest()
    return {
        "syncs": [sync["name"] for page in pages for sync in page["syncs"]],
        "run": {"same": runs[0]["id"] == runs[1]["id"], "state": of.all("Control/WatchRun", run=runs[0]["id"])[-1]["run"]["state"]},
        "unknown": {"code": refused["code"].upper(), **_info(refused["details"][0]["value"])},
        "snapshot": {"complete": watched["snapshot"], "syncs": sorted(sync["name"] for sync in watched["syncs"])},
        "audit": early + late,
        "cache": {"sha256": digest, "whole": digest == told["info"]["sha256"]},
    }


def syncctl(syncd: SyncdProcess) -> Found:
    wish = ["run", "products", "--mode", "full", "--request-id", "from syncctl", "--queue", "-o", "json"]
    runs = [json.loads(syncd.ctl(*wish).stdout)["run"] for _ in range(2)]
    refused = syncd.ctl("show", "no-such-sync", "--debug")
    lines = syncd.ctl("audit", "tail", "--after", "0", "-o", "json").stdout.splitlines()
    names = [sync["name"] for sync in json.loads(syncd.ctl("status", "-o", "json").stdout)["syncs"]]
    digest = sha256(syncd.ctl("metadata", "get", "warehouse").stdout.encode()).hexdigest()
    whole = not syncd.ctl("metadata", "get", "warehouse", "--if-none-match", digest).stdout
    return {
        "syncs": names,
        "run": {"same": runs[0]["id"] == runs[1]["id"], "state": runs[1]["state"]},
        "unknown": {
            "code": "NOT_FOUND" if refused.returncode == 4 else str(refused.returncode),
            "reason": "sync.unknown" if "sync.unknown" in refused.stderr else "",
            "domain": "syncd" if "syncd" in refused.stderr else "",
        },
        "snapshot": {"complete": True, "syncs": _watched(syncd)},
        "audit": [int(json.loads(line)["sequence"]) for line in lines][:4],
        "cache": {"sha256": digest, "whole": whole},
    }


def _watched(syncd: SyncdProcess) -> list[str]:
    command = [sys.executable, "-m", "syncctl", "--address", f"unix:{syncd.socket}", "status", "-w", "-o", "json"]
    [message] = first(command, 1)
    return sorted(sync["name"] for sync in message["syncs"])


def _sequences(messages: list[Any]) -> list[int]:
    return [int(entry["sequence"]) for message in messages for entry in message["entries"]]


def _info(value: str) -> Found:
    info = ErrorInfo.FromString(b64decode(value + "=" * (-len(value) % 4)))
    return {"reason": info.reason, "domain": info.domain}


@pytest.mark.parametrize(
    "client",
    [
        pytest.param(syncctl, id="syncctl"),
        pytest.param(python, id="the example in Python"),
        pytest.param(node_by_proto, id="the example in Node, from the .proto files"),
        pytest.param(node, id="the example in Node, by reflection"),
        pytest.param(curl, id="buf curl"),
    ],
)
def test_every_client_gets_the_same_from_the_daemon(syncd: SyncdProcess, client: Callable[[SyncdProcess], Found]) -> None:
    published = (syncd.folder.parent / "shelf" / "cache.json").read_bytes()

    found = client(syncd)

    assert found == {
        "syncs": SYNCS,
        "run": {"same": True, "state": "RUN_STATE_DONE"},
        "unknown": {"code": "NOT_FOUND", "reason": "sync.unknown", "domain": "syncd"},
        "snapshot": {"complete": True, "syncs": SYNCS},
        "audit": [1, 2, 3, 4],
        "cache": {"sha256": sha256(published).hexdigest(), "whole": True},
    }
