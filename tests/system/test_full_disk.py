"""The daemon on a disk that fills up under load."""

import os
from pathlib import Path

import grpc
import pytest

from syncapi.v1.common_pb2 import PHASE_WAITING, RUN_STATE_DONE, Sync
from tests.system.client import told
from tests.system.disks import can_mount, disk
from tests.system.duckdb_shop import DuckDBShop
from tests.system.harness import SyncdProcess
from tests.system.searching import Local, differences
from tests.system.shop import synced
from tests.system.waiting import until

SOAK = bool(os.environ.get("SYNCD_SOAK"))
FILLINGS = [5] if SOAK and can_mount() else []
ROWS = 3000


@pytest.mark.parametrize("times", FILLINGS)
@pytest.mark.timeout(240)
def test_a_disk_that_fills_up_under_load_costs_nothing_but_time(tmp_path: Path, times: int) -> None:
    shop, index = DuckDBShop(tmp_path / "shop.duckdb"), Local(tmp_path / "index.db")
    shop.create(ROWS)
    settings = synced(shop, index.connection, batch_rows=20)
    with disk(tmp_path / "state", 48) as state, SyncdProcess(tmp_path, {**settings, "daemon": {"state_dir": state.path}}) as syncd:
        for _ in range(times):
            run = begun(syncd)
            state.fill()
            status = until(lambda: waiting(syncd), "the run waits")
            with pytest.raises(grpc.RpcError) as refused:
                syncd.client.pause("products")
            state.free()
            ended = syncd.client.ended(run)

            assert status.problem.code == "ledger.full"
            assert str(state.path) in status.problem.message
            assert "free some space" in status.problem.hint
            assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
            assert ended.state == RUN_STATE_DONE, told(ended)
        assert differences(shop.documents(), index.documents()) == ""
        verified = syncd.ctl("audit", "verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        state.fill()
        assert syncd.stop() == 0


def begun(syncd: SyncdProcess) -> str:
    """A full run that has stored some rows."""
    run = syncd.client.start("products", "full").id
    until(lambda: syncd.client.of(run).counters.stored > 100, "some rows are stored")
    return run


def waiting(syncd: SyncdProcess) -> Sync | None:
    """The status of the sync, if it waits."""
    status = syncd.client.status("products")
    return status if status.phase == PHASE_WAITING else None
