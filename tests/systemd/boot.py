"""A real systemd runs the units, from the installation to the removal: `python -m tests.systemd.boot`, as root.

It makes a Debian tree, installs syncd into it, boots it, and goes through the checks below, each of which finds the machine as
the one before left it. `--tree` names a folder to keep for the next time, `--as-it-is` installs nothing.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.system.waiting import until
from tests.systemd.machine import Machine, make_tree, missing
from tools.install import DEFAULT_PREFIX, EXTRAS, Place, install

SETTINGS = "/etc/syncd/syncd.toml"
SYNC = "/etc/syncd/conf.d/shop.toml"
DROP_IN = "/etc/systemd/system/syncd.service.d/test.conf"
GOOD = """
[connections.search]
kind = "meilisearch"
url = "http://127.0.0.1:1"
key = { credential = "erp" }

[connections.shop]
kind = "duckdb"
path = "/var/lib/syncd/shop.duckdb"

[syncs.products]
engine = "search"
manual = true
source = { connection = "shop", table = "products", key = ["id"] }
target = { connection = "search", index = "products" }
"""


def a_start_returns_when_callers_are_served(machine: Machine) -> None:
    machine.does("systemd-sysusers")
    machine.does("systemd-tmpfiles", "--create")
    machine.does("systemctl", "daemon-reload")

    machine.does("systemctl", "start", "syncd")

    assert machine.says("syncd", "ActiveState") == "active"
    machine.does("syncctl", "status")
    until(lambda: machine.says("syncd", "StatusText") == "0 syncs", "the status line tells of the syncs", 5)


def the_log_stands_in_the_journal_with_fields(machine: Machine) -> None:
    lines = machine.does("journalctl", "--output=cat", "SYNCD_SYNCS=0").splitlines()

    assert any(line.startswith("daemon ready ") for line in lines), lines


def the_service_has_a_user_of_its_own_and_no_rights(machine: Machine) -> None:
    pid = machine.says("syncd", "MainPID")

    status = dict(line.split(":\t", 1) for line in machine.does("cat", f"/proc/{pid}/status").splitlines() if ":\t" in line)

    assert machine.does("stat", "--format=%U", f"/proc/{pid}") == "syncd"
    assert (status["NoNewPrivs"], status["Seccomp"], int(status["CapEff"], 16)) == ("1", "2", 0)


def members_of_the_group_may_call_and_strangers_may_not(machine: Machine) -> None:
    for name in ("ada", "bob"):
        machine.tries("useradd", "--create-home", name)
    machine.does("usermod", "--append", "--groups", "syncd", "ada")

    member = machine.tries("runuser", "-u", "ada", "--", "syncctl", "status")
    stranger = machine.tries("runuser", "-u", "bob", "--", "syncctl", "status")

    assert member.returncode == 0, member.stderr
    assert stranger.returncode != 0


def secrets_reach_the_service_alone(machine: Machine) -> None:
    machine.writes("/etc/syncd/credentials/erp", "hunter2\n", 0o600)
    machine.writes(DROP_IN, "[Service]\nLoadCredential=erp:/etc/syncd/credentials/erp\nWatchdogSec=3s\n")
    machine.writes(SYNC, GOOD)
    machine.does("systemctl", "daemon-reload")

    machine.does("systemctl", "restart", "syncd")

    file = "/run/credentials/syncd.service/erp"
    assert machine.does("cat", f"/proc/{machine.says('syncd', 'MainPID')}/root{file}") == "hunter2"
    assert machine.tries("runuser", "-u", "ada", "--", "cat", file).returncode != 0
    tried = machine.tries("syncctl", "connections", "check")
    assert "secret file" not in tried.stdout + tried.stderr, tried.stdout


def a_reload_applies_changed_settings(machine: Machine) -> None:
    pid = machine.says("syncd", "MainPID")
    machine.writes(SYNC, GOOD.replace("syncs.products", "syncs.goods"))

    machine.does("systemctl", "reload", "syncd")

    until(lambda: "goods" in machine.does("syncctl", "status"), "the new sync is there", 10)
    assert machine.says("syncd", "MainPID") == pid


def a_reload_of_wrong_settings_leaves_the_old_ones_whole(machine: Machine) -> None:
    machine.writes(SYNC, GOOD + "\nnonsense = 1\n")

    machine.does("systemctl", "reload", "syncd")

    until(lambda: "old ones are in force" in machine.says("syncd", "StatusText"), "the status line tells of it", 10)
    assert "goods" in machine.does("syncctl", "status")
    assert "settings not reloaded" in machine.does("journalctl", "--unit=syncd", "--priority=err", "--output=cat")
    machine.writes(SYNC, GOOD)


def a_daemon_that_hangs_is_ended_and_started_again(machine: Machine) -> None:
    before = machine.says("syncd", "MainPID")

    machine.does("kill", "-STOP", before)

    until(lambda: machine.says("syncd", "MainPID") not in {before, "0"}, "systemd starts another one", 60)
    until(lambda: machine.tries("syncctl", "status").returncode == 0, "it takes calls", 30)
    assert "watchdog" in machine.does("journalctl", "--unit=syncd", "--output=cat").lower()


def a_daemon_that_is_killed_is_started_again(machine: Machine) -> None:
    before = machine.says("syncd", "MainPID")

    machine.does("kill", "-KILL", before)

    until(lambda: machine.says("syncd", "MainPID") not in {before, "0"}, "systemd starts another one", 30)
    until(lambda: machine.tries("syncctl", "status").returncode == 0, "it takes calls", 30)


def a_stop_is_clean(machine: Machine) -> None:
    began = time.monotonic()

    machine.does("systemctl", "stop", "syncd")

    assert time.monotonic() - began < 15
    assert machine.says("syncd", "Result") == "success"
    assert machine.says("syncd", "ExecMainStatus") == "0"


def wrong_settings_are_not_tried_again(machine: Machine) -> None:
    machine.writes(SYNC, GOOD + "\nnonsense = 1\n")
    machine.tries("systemctl", "reset-failed", "syncd")

    assert machine.tries("systemctl", "start", "syncd").returncode != 0

    time.sleep(4)
    assert machine.says("syncd", "ActiveState") == "failed"
    assert (machine.says("syncd", "ExecMainStatus"), machine.says("syncd", "NRestarts")) == ("2", "0")
    machine.writes(SYNC, GOOD)
    machine.tries("systemctl", "reset-failed", "syncd")


def a_call_starts_the_service_behind_its_socket(machine: Machine) -> None:
    machine.does("systemctl", "start", "syncd.socket")

    machine.does("timeout", "30", "syncctl", "status")

    assert machine.says("syncd", "ActiveState") == "active"


def callers_wait_while_the_service_restarts_behind_its_socket(machine: Machine) -> None:
    machine.does("systemctl", "restart", "--no-block", "syncd")

    answers = [machine.tries("timeout", "30", "syncctl", "status") for _ in range(6)]

    assert [answer.stderr for answer in answers if answer.returncode] == []
    machine.does("systemctl", "stop", "syncd.socket", "syncd")


CHECKS: Sequence[Callable[[Machine], None]] = (
    a_start_returns_when_callers_are_served,
    the_log_stands_in_the_journal_with_fields,
    the_service_has_a_user_of_its_own_and_no_rights,
    members_of_the_group_may_call_and_strangers_may_not,
    secrets_reach_the_service_alone,
    a_reload_applies_changed_settings,
    a_reload_of_wrong_settings_leaves_the_old_ones_whole,
    a_daemon_that_hangs_is_ended_and_started_again,
    a_daemon_that_is_killed_is_started_again,
    a_stop_is_clean,
    wrong_settings_are_not_tried_again,
    a_call_starts_the_service_behind_its_socket,
    callers_wait_while_the_service_restarts_behind_its_socket,
)


def passes(check: Callable[[Machine], None], machine: Machine) -> bool:
    """Carry one check out and tell of it."""
    began = time.monotonic()
    wrong = ""
    try:
        check(machine)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        wrong = str(error) or "not so"
    say(f"{'FAILED' if wrong else 'ok':<7}{time.monotonic() - began:5.1f} s  {check.__name__.replace('_', ' ')}")
    if wrong:
        say(f"{wrong}\n{machine.tries('journalctl', '--unit=syncd', '--lines=12', '--output=cat').stdout}")
    return not wrong


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.systemd.boot", description=__doc__)
    parser.add_argument("--tree", type=Path, help="a folder for the tree; it is kept")
    parser.add_argument("--as-it-is", action="store_true", help="syncd has been installed into the tree before")
    given = parser.parse_args(arguments)
    if lacking := missing(
        ("systemd-nspawn", "nsenter") if given.tree and given.tree.exists() else ("debootstrap", "systemd-nspawn", "nsenter")
    ):
        say(f"needed, and not found: {', '.join(lacking)}")
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        tree = given.tree or Path(scratch, "tree")
        make_tree(tree)
        place = Place(DEFAULT_PREFIX, tree.absolute())
        if not given.as_it_is:
            install(place, "/usr/bin/python3", EXTRAS)
        with Machine(tree, Path(scratch, "boot.log")) as machine:
            machine.removes(SYNC, DROP_IN, "/var/lib/syncd", "/etc/syncd/credentials")
            good = [passes(check, machine) for check in CHECKS]
    say(f"{sum(good)} of {len(good)} hold")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
