"""Whatever Oracle does to a run: the right outcome, a line that says what happened and what to do, and an audit entry."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from syncapi.v1.common_pb2 import PHASE_HALTED, PHASE_IDLE, RUN_STATE_DONE, RUN_STATE_FAILED
from tests.servers.oracle.database import Database
from tests.servers.oracle.faults import DROP, GARBLE, SILENCE, At, Delay, Fault, Raise
from tests.servers.oracle.server import Server
from tests.system.client import Client, told
from tests.system.harness import SyncdProcess
from tests.system.oracle_shop import OracleShop
from tests.system.searching import Local, differences
from tests.system.shop import synced

PASSES = "source.unavailable"
CREDENTIALS = "connection.credentials"
MISMATCH = "source.mismatch"
MOMENT = "moment.gone"
READING = "FROM .*PRODUCTS. AS OF SCN .*ORDER BY"


def cut_off(server: Server) -> None:
    """End every session, so that the next run has to log in."""
    for session in server.sessions:
        server.kill(session.number)


def nobody_listens(server: Server) -> None:
    cut_off(server)
    server.refuse()
    threading.Timer(0.5, server.listen).start()


def at_login(fault: Fault) -> Callable[[Server], None]:
    def arm(server: Server) -> None:
        cut_off(server)
        server.faults.add(fault)

    return arm


def armed(*faults: Fault) -> Callable[[Server], None]:
    def arm(server: Server) -> None:
        for fault in faults:
            server.faults.add(fault)

    return arm


@dataclass
class Case:
    """A fault, what it ends in (empty: nobody notices), and words of the line that tells of it."""

    arm: Callable[[Server], None]
    outcome: str = ""
    words: tuple[str, ...] = ()
    hint: str = ""


CASES = {
    "nobody listens": Case(nobody_listens, PASSES, ("cannot connect",)),
    "no listener, 12541": Case(at_login(Fault(At.CONNECT, Raise(12541))), PASSES, ("12541",)),
    "no such service, 12514": Case(at_login(Fault(At.CONNECT, Raise(12514))), PASSES, ("12514",)),
    "silence before the log-in": Case(at_login(Fault(At.CONNECT, SILENCE)), PASSES, ("log-in took longer than 1s",)),
    "silence in the log-in": Case(at_login(Fault(At.LOGIN, SILENCE)), PASSES, ("log-in took longer than 1s",)),
    "wrong password, 01017": Case(at_login(Fault(At.LOGIN, Raise(1017))), CREDENTIALS, ("ORA-01017",), "`password`"),
    "locked account, 28000": Case(at_login(Fault(At.LOGIN, Raise(28000, "the account is locked"))), CREDENTIALS, ("ORA-28000",), "UNLOCK"),
    "expired password, 28001": Case(at_login(Fault(At.LOGIN, Raise(28001))), CREDENTIALS, ("ORA-28001",), "IDENTIFIED BY"),
    "killed session, 00028": Case(armed(Fault(At.EXECUTE, Raise(28), matching=READING)), PASSES, ("DPY-4011",)),
    "no such table, 00942": Case(armed(Fault(At.EXECUTE, Raise(942), matching=READING)), MISMATCH, ("ORA-00942",), "grant"),
    "cancelled, 01013": Case(armed(Fault(At.EXECUTE, Raise(1013), matching=READING)), PASSES, ("ORA-01013",)),
    "lost, 03113": Case(armed(Fault(At.EXECUTE, Raise(3113), matching=READING)), PASSES, ("DPY-4011",)),
    "lost, 03135": Case(armed(Fault(At.FETCH, Raise(3135))), PASSES, ("DPY-4011",)),
    "undo is gone, 01555": Case(armed(Fault(At.EXECUTE, Raise(1555), matching=READING)), MOMENT, ("ORA-01555",)),
    "undo is gone in the middle, 01555": Case(armed(Fault(At.FETCH, Raise(1555), matching=READING)), MOMENT, ("ORA-01555",)),
    "no such SCN, 08181": Case(armed(Fault(At.EXECUTE, Raise(8181), matching=READING)), MOMENT, ("ORA-08181",)),
    "cut at a packet": Case(armed(Fault(At.PACKET, DROP, nth=9)), PASSES, ("DPY-4011",)),
    "cut at a row": Case(armed(Fault(At.ROW, DROP, nth=20)), PASSES, ("DPY-4011",)),
    "wrong bytes": Case(armed(Fault(At.PACKET, GARBLE, nth=7)), PASSES, ("127.0.0.1",)),
    "silence in the middle": Case(armed(Fault(At.PACKET, SILENCE, nth=9)), PASSES, ("127.0.0.1",)),
    "slow": Case(armed(Fault(At.ANSWER, Delay(0.2)))),
}


@dataclass
class Stand:
    """A daemon that keeps a shop in Oracle and a local index in step."""

    server: Server
    shop: OracleShop
    target: Local
    syncd: SyncdProcess
    sequence: int = field(default=0)

    @property
    def client(self) -> Client:
        return self.syncd.client

    def entries(self) -> list[tuple[str, str, str]]:
        """Action, outcome and detail of what has come into the audit log since the last question, oldest first."""
        found = sorted(self.client.audit_log(sync="products"), key=lambda entry: entry.sequence)
        new = [entry for entry in found if entry.sequence > self.sequence]
        self.sequence = found[-1].sequence
        return [(entry.action, entry.outcome, entry.detail_json) for entry in new]


@pytest.fixture(scope="module", params=[19, 23])
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder: Path = tmp_path_factory.mktemp("oracle")
    with Server(Database(), flavour=request.param) as server:
        shop, target = OracleShop(server, folder), Local(folder / "search.db")
        shop.create(500)
        shop.connection |= {"login_timeout": "1s", "call_timeout": "1s", "fetch_rows": 100}
        settings = synced(shop, target.connection, retry={"attempts": 50, "first": "10ms", "most": "50ms"})
        with SyncdProcess(folder / "syncd", settings) as syncd:
            stand = Stand(server, shop, target, syncd)
            stand.client.done("products", "full")
            stand.entries()
            yield stand
            server.faults.clear()


@pytest.mark.parametrize("name", CASES)
def test_a_fault_of_oracle_has_the_right_outcome_a_clear_line_and_an_audit_entry(stand: Stand, name: str) -> None:
    case = CASES[name]
    stand.shop.stir(400)
    case.arm(stand.server)

    run = stand.client.run("products", "incremental")
    stand.server.faults.clear()
    entries = stand.entries()
    status = stand.client.status("products")
    shown = " ".join(stand.syncd.ctl("show", "products").stdout.split())

    told_of = {"": [], PASSES: [("run.retried", PASSES)], MOMENT: [("moment.gone", "ok")]}.get(case.outcome, [("run.ended", case.outcome)])
    assert [found for found in entries if found[:2] in told_of] or not told_of, entries
    if case.outcome in (CREDENTIALS, MISMATCH):
        assert (run.state, run.failure.code, status.phase) == (RUN_STATE_FAILED, case.outcome, PHASE_HALTED), told(run)
        assert all(word in run.failure.message and word in shown for word in case.words), shown
        assert "\n" not in run.failure.message
        assert case.hint in run.failure.hint
        stand.client.resume("products")
        stand.client.done("products", "incremental")
        stand.entries()
    else:
        assert (run.state, status.phase) == (RUN_STATE_DONE, PHASE_IDLE), told(run)
        details = [json.loads(detail) for action, _, detail in entries if action in ("run.retried", "moment.gone")]
        lines = [detail.get("problem") or detail["reason"] for detail in details]
        assert any(all(word in line for word in case.words) for line in lines) or not case.outcome, lines
        assert not any("\n" in line for line in lines)
    assert "secret" not in shown + repr(entries)
    assert differences(stand.shop.documents(), stand.target.documents()) == ""
