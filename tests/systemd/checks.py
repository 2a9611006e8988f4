"""What has to be true of syncd under a real systemd, in an order: each check finds the machine as the one before left it."""

import json
import time
from collections.abc import Callable, Sequence

from tests.system.waiting import until
from tests.systemd.installing import make
from tests.systemd.machine import Machine

CREDENTIAL = "/etc/syncd/credentials/erp"
USER = "/home/ada/.config/syncd/syncd.toml"
SETTINGS = "/etc/syncd/syncd.toml"
SYNC = "/etc/syncd/conf.d/shop.toml"
DROP_IN = "/etc/systemd/system/syncd.service.d/test.conf"
GOOD = """
[connections.unused]
kind = "meilisearch"
url = "http://127.0.0.1:1"
key = { credential = "erp" }

[connections.search]
kind = "fts5"
path = "/var/lib/syncd/search.db"

[connections.shop]
kind = "duckdb"
path = "/var/lib/syncd/shop.duckdb"

[syncs.products]
engine = "search"
manual = true
source = { connection = "shop", table = "products", key = ["id"] }
target = { connection = "search", index = "products" }
mapping = { id = "id", name = "name" }
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
    machine.writes(CREDENTIAL, "hunter2\n", 0o600)
    machine.writes(DROP_IN, f"[Service]\nLoadCredential=erp:{CREDENTIAL}\nWatchdogSec=3s\n")
    machine.writes(SYNC, GOOD)
    machine.does("systemctl", "daemon-reload")

    machine.does("systemctl", "restart", "syncd")

    file = "/run/credentials/syncd.service/erp"
    assert machine.does("cat", f"/proc/{machine.says('syncd', 'MainPID')}/root{file}") == "hunter2"
    assert machine.tries("runuser", "-u", "ada", "--", "cat", file).returncode != 0
    tried = machine.tries("syncctl", "connections", "check")
    assert "secret file" not in tried.stdout + tried.stderr, tried.stdout


def a_run_can_be_followed_through_the_journal(machine: Machine) -> None:
    rows = "CREATE TABLE products AS SELECT range AS id, 'product ' || range AS name FROM range(50)"
    made = f'import duckdb; duckdb.connect("/var/lib/syncd/shop.duckdb").execute("{rows}")'
    machine.does("runuser", "-u", "syncd", "--", "/usr/local/lib/syncd/bin/python", "-c", made)

    run = json.loads(machine.does("syncctl", "full", "products", "-o", "json"))["run"]

    assert run["state"] == "RUN_STATE_DONE", run
    lines = machine.does("journalctl", "--output=cat", f"SYNCD_RUN={run['id']}").splitlines()
    assert [" ".join(line.split()[:2]) for line in lines] == ["run started", "run ended"], lines


def the_sandbox_is_as_closed_as_the_documents_say(machine: Machine) -> None:
    found = machine.does("systemd-analyze", "security", "--no-pager", "syncd").splitlines()[-1]

    assert "exposure level for syncd.service: 1.2 " in found, found


def systemd_has_no_complaint_about_the_units(machine: Machine) -> None:
    found = machine.tries("systemd-analyze", "verify", "syncd.service", "syncd.socket")

    assert (found.returncode, found.stdout + found.stderr) == (0, "")


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


def an_upgrade_takes_the_place_of_a_daemon_that_runs(machine: Machine) -> None:
    before = machine.says("syncd", "MainPID")
    settings = machine.does("cat", SETTINGS)

    make("install", machine.tree)

    machine.does("syncctl", "status")
    machine.does("systemctl", "daemon-reload")
    machine.does("systemctl", "restart", "syncd")
    assert machine.says("syncd", "MainPID") != before
    assert json.loads(machine.does("syncctl", "runs", "-o", "json"))["runs"], "the runs from before are known"
    assert machine.does("cat", SETTINGS) == settings


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


def a_person_has_a_daemon_of_its_own(machine: Machine) -> None:
    uid = machine.does("id", "-u", "ada")
    machine.writes(USER, f'[daemon]\nstate_dir = "~/.local/state/syncd"\n\n[[listen]]\nsocket = "/run/user/{uid}/syncd/syncd.sock"\n')
    machine.does("chown", "-R", "ada:ada", "/home/ada")
    machine.does("loginctl", "enable-linger", "ada")
    ada = ("runuser", "-u", "ada", "--", "env", f"XDG_RUNTIME_DIR=/run/user/{uid}")
    until(lambda: machine.tries(*ada, "systemctl", "--user", "is-system-running").stdout.strip() == "running", "ada's systemd is up", 30)

    machine.does(*ada, "systemctl", "--user", "start", "syncd-user")

    caller = json.loads(machine.does(*ada, "syncctl", "whoami", "-o", "json"))
    assert caller["role"] == "ROLE_ADMIN", caller
    machine.does(*ada, "systemctl", "--user", "stop", "syncd-user")
    machine.does("loginctl", "disable-linger", "ada")


def an_unknown_user_of_the_machine_will_do_as_well(machine: Machine) -> None:
    machine.writes(DROP_IN, f"[Service]\nLoadCredential=erp:{CREDENTIAL}\nDynamicUser=yes\n")
    machine.does("systemctl", "daemon-reload")

    machine.does("systemctl", "start", "syncd")

    machine.does("syncctl", "status")
    machine.does("systemctl", "stop", "syncd")


def a_removal_leaves_what_belongs_to_people(machine: Machine) -> None:
    make("uninstall", machine.tree)

    machine.does("systemctl", "daemon-reload")
    assert machine.does("find", "/usr/local", "-name", "*sync*") == ""
    assert machine.tries("systemctl", "cat", "syncd").returncode != 0
    machine.does("test", "-e", SETTINGS, "-a", "-d", "/var/lib/syncd")


CHECKS: Sequence[Callable[[Machine], None]] = (
    a_start_returns_when_callers_are_served,
    the_log_stands_in_the_journal_with_fields,
    the_service_has_a_user_of_its_own_and_no_rights,
    members_of_the_group_may_call_and_strangers_may_not,
    secrets_reach_the_service_alone,
    a_run_can_be_followed_through_the_journal,
    the_sandbox_is_as_closed_as_the_documents_say,
    systemd_has_no_complaint_about_the_units,
    a_reload_applies_changed_settings,
    a_reload_of_wrong_settings_leaves_the_old_ones_whole,
    a_daemon_that_hangs_is_ended_and_started_again,
    a_daemon_that_is_killed_is_started_again,
    an_upgrade_takes_the_place_of_a_daemon_that_runs,
    a_stop_is_clean,
    wrong_settings_are_not_tried_again,
    a_call_starts_the_service_behind_its_socket,
    callers_wait_while_the_service_restarts_behind_its_socket,
    a_person_has_a_daemon_of_its_own,
    an_unknown_user_of_the_machine_will_do_as_well,
    a_removal_leaves_what_belongs_to_people,
)
