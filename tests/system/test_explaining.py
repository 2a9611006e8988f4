"""Runs of a real daemon, of every engine, done, retried, failed, and killed and gone on with: what `explain` and traces tell of them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from syncapi.v1.common_pb2 import RUN_STATE_DONE, Run
from syncapi.v1.control_pb2 import StartRunRequest
from syncctl.commands.explain import sources
from syncctl.connection import connect
from syncctl.explaining import story
from syncctl.session import Session
from tests.ctl.inside import InsideCtl
from tests.observe.traces.collector import Collector, collecting, told
from tests.system.client import Client
from tests.system.harness import SyncdProcess
from tests.system.one_of_each import one_of_each
from tests.system.waiting import until

pytestmark = pytest.mark.timeout(120)

SECRET = "hush-hush"
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DONE = ("products", "ai", "warehouse")
NOWHERE = {"kind": "meilisearch", "url": "http://127.0.0.1:1", "key": {"env": "SECRET_KEY"}}


def settings_in(folder: Path) -> dict[str, Any]:
    """A sync of each engine, one whose target is down, one that gives up at once, and one that is set up wrongly."""
    settings = one_of_each(folder)
    products = settings["syncs"]["products"]
    down = {**products, "target": {"connection": "nowhere", "index": "products"}}
    settings["connections"]["nowhere"] = NOWHERE
    settings["syncs"]["stubborn"] = {**down, "retry": {"attempts": 9, "first": "1h", "most": "1h"}}
    settings["syncs"]["hasty"] = {**down, "retry": {"attempts": 3, "first": "10ms", "most": "10ms"}}
    settings["syncs"]["wrong"] = {**products, "source": {**products["source"], "table": "no_such_table"}}
    return settings


def explained(syncd: SyncdProcess, run: str) -> Mapping[str, Any]:
    """In this process: a new one for each run would take as long as all the rest."""
    with connect(Session(address=f"unix:{syncd.socket}")) as daemon:
        return story(sources(daemon, run))


@dataclass(frozen=True)
class Lived:
    """Runs of one daemon that was killed under the last of them and started again with other settings."""

    syncd: SyncdProcess
    runs: Mapping[str, Run]
    recovery: str
    told: Mapping[str, Mapping[str, Any]]
    collector: Collector


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp("lived")
    settings = settings_in(folder)
    with collecting() as collector, pytest.MonkeyPatch.context() as here:
        settings["daemon"] = {"state_dir": "state", "traces": {"endpoint": collector.endpoint, "headers": {"x-key": {"env": "SECRET_KEY"}}}}
        here.setenv("SECRET_KEY", SECRET)
        with SyncdProcess(folder / "syncd", settings) as syncd:
            client = syncd.client
            runs = {sync: client.ended(start(client, sync).id) for sync in (*DONE, "hasty", "wrong")}
            collector.waits_for("run incremental", 3)
            runs["stubborn"] = client.start("stubborn")
            until(lambda: client.audit_log("run.retried", "stubborn") or None, "the first attempt has failed")
            syncd.kill()
            settings["daemon"] = {"state_dir": "state"}  # without traces it starts in half the time
            settings["syncs"]["products"]["mapping"] = {"id": "id", "title": "upper(name)"}
            syncd.write(settings)
            syncd.start()
            until(lambda: len(syncd.client.runs("stubborn")) == 2, "the run is gone on with")
            recovery = syncd.client.runs("stubborn")[0].id
            yield Lived(syncd, runs, recovery, {sync: explained(syncd, run.id) for sync, run in runs.items()}, collector)


def start(client: Client, sync: str) -> Run:
    """Ask for a run as a program does that traces its own work."""
    request = StartRunRequest(sync=sync, request_id=f"ticket {sync}")
    run: Run = client.control.StartRun(request, timeout=20, metadata=[("traceparent", CALLER)]).run
    return run


def test_runs_of_every_engine_tell_who_asked_and_what_they_did(lived: Lived) -> None:
    products, ai, warehouse = (lived.told[sync] for sync in DONE)

    assert {lived.runs[sync].state for sync in DONE} == {RUN_STATE_DONE}
    for sync, one in lived.told.items():
        assert one["trigger"]["kind"] == "request"
        assert one["trigger"].get("request_id", "") == ("" if sync == "stubborn" else f"ticket {sync}")
        assert re.fullmatch(r"\S+ \(uid \d+\)", one["trigger"]["by"])
    assert [products["work"][kind] for kind in ("read", "sent", "stored", "refused")] == [50, 50, 50, 0]
    assert products["work"]["batches"] >= 1
    for one in (products, ai, warehouse):
        assert one["checkpoint"]["before"] != one["checkpoint"]["after"]
        assert one["outcome"]["state"] == "done"
    assert products["settings"]["changed_since"] == [{"key": "mapping.title", "then": "name", "now": "upper(name)"}]
    assert ai["settings"]["changed_since"] == warehouse["settings"]["changed_since"] == []


def test_a_run_that_failed_tells_every_attempt_and_a_refusal_what_it_leaves_behind(lived: Lived) -> None:
    hasty, wrong = lived.told["hasty"], lived.told["wrong"]

    assert [each["code"] for each in hasty["attempts"]] == ["target.unavailable"] * 2
    assert [each["attempt"] for each in hasty["attempts"]] == [1, 2]
    assert all(0 < each["waited"] <= 0.01 for each in hasty["attempts"])
    assert (hasty["outcome"]["state"], hasty["outcome"]["attempt"], bool(hasty["outcome"]["hint"])) == ("failed", 3, True)
    assert (wrong["outcome"]["code"], wrong["outcome"]["leaves_sync"]) == ("source.mismatch", "halted")
    assert wrong["followed"] == [{"sync_is": "halted"}]


def test_a_run_that_was_killed_and_the_one_that_goes_on_with_it_name_each_other(lived: Lived) -> None:
    killed, recovery = lived.told["stubborn"], explained(lived.syncd, lived.recovery)

    assert killed["outcome"]["state"] == "interrupted"
    assert (killed["followed"][0]["run"], killed["followed"][0]["goes_on"]) == (lived.recovery, True)
    assert recovery["trigger"] | {"at": ""} == {"kind": "recovery", "at": "", "goes_on_with": lived.runs["stubborn"].id}


def test_the_command_answers_people_and_programs_and_tells_no_secret(lived: Lived) -> None:
    ctl, run = InsideCtl(lived.syncd.socket), lived.runs["hasty"].id

    shown, as_json, unknown = ctl("explain", run), ctl("explain", run, "-o", "json"), ctl("explain", "01NOSUCHRUN")

    assert (shown.code, as_json.code, unknown.code) == (0, 0, 4)
    assert json.loads(as_json.out) == lived.told["hasty"]
    for words in ("asked for it", "after attempt 2", "target.unavailable", "to do", "What followed"):
        assert words in shown.out
    log = lived.syncd.client.audit_log()
    assert SECRET not in shown.out + json.dumps(lived.told) + "".join(entry.detail_json for entry in log)


def test_the_same_runs_are_traces_of_whoever_asked_with_a_step_for_every_stage(lived: Lived) -> None:
    collector = lived.collector
    asked = {lived.runs[sync].id: sync for sync in (*DONE, "hasty", "wrong")}
    spans = [span for span in collector.spans if span.name.startswith("run ") and told(span)["syncd.run.id"] in asked]
    roots = {asked[told(span)["syncd.run.id"]]: span for span in spans}
    stages = {name: collector.below(roots["products"], name) for name in ("attempt", "read", "transform", "write", "commit")}

    places = {sync: (root.trace_id.hex(), root.parent_span_id.hex()) for sync, root in roots.items()}
    assert places == dict.fromkeys(asked.values(), (CALLER[3:35], CALLER[36:52]))
    assert all(stages.values()), {name: len(found) for name, found in stages.items()}
    assert sum(told(span).get("syncd.rows", 0) for span in stages["read"]) == 50
    assert sum(told(span).get("syncd.rows", 0) for span in stages["commit"]) == 50
    assert {told(span)["syncd.connection"] for span in stages["write"]} == {"index"}
    assert collector.below(roots["ai"], "advance")
    assert collector.below(roots["warehouse"], "advance")
    assert [told(roots[sync])["error.type"] for sync in ("hasty", "wrong")] == ["target.unavailable", "source.mismatch"]
    assert len(collector.below(roots["hasty"], "attempt")) == 3


def test_traces_hold_no_row_and_no_secret_which_goes_in_a_header_alone(lived: Lived) -> None:
    sent = b"".join(lived.collector.bodies)

    assert {headers["x-key"] for headers in lived.collector.headers} == {SECRET}
    assert SECRET.encode() not in sent
    assert b"product 7" not in sent
