"""`syncctl top` on a terminal, in front of a real daemon."""

from pathlib import Path

from syncapi.v1.common_pb2 import PHASE_IDLE, PHASE_PAUSED
from tests.ctl.harness import Ctl
from tests.system.conftest import Running
from tests.system.one_of_each import one_of_each
from tests.system.waiting import until


def test_keys_steer_a_daemon_and_its_death_is_told(running: Running, tmp_path: Path) -> None:
    syncd = running(one_of_each(tmp_path))

    with Ctl(syncd.socket).on_terminal("top", columns=140) as terminal:
        assert terminal.shows("3 syncs", "▸ ai", "  products", "connected")
        terminal.type("jp")
        assert terminal.shows("▸ products", "products is paused")
        until(lambda: syncd.client.status("products").phase == PHASE_PAUSED, "the pause")
        terminal.type("p")
        until(lambda: syncd.client.status("products").phase == PHASE_IDLE, "the end of the pause")
        terminal.type("f")
        assert terminal.shows("bring over everything of products? y/n")
        terminal.type("y")
        assert terminal.shows("products full: run 01", "done now")
        terminal.type("e")
        assert terminal.shows("nothing is wrong with it", "50 stored", "request by")
        terminal.type("q")
        syncd.kill()
        assert terminal.shows("connection lost, trying again")
        terminal.type("q")
        code = terminal.ends()
        assert terminal.echoes()

    assert code == 0
    assert "Traceback" not in terminal.raw
