"""The configurations of AI coding clients are kept in step by the real daemon, whatever users, clients and power cuts do to them."""

import json
import os
import random
import time
from pathlib import Path

import pytest

from syncapi.v1.common_pb2 import RUN_STATE_DONE
from tests.system.client import told
from tests.system.conftest import Running
from tests.system.harness import SyncdProcess
from tests.system.homes import Home, ai
from tests.system.waiting import until

SERVER = {"command": "npx", "args": ["-y", "server"], "env": {"LEVEL": "info"}}


@pytest.fixture
def homes(tmp_path: Path) -> list[Home]:
    found = [Home(tmp_path / name, name) for name in ("claude", "codex", "qwen")]
    for home in found:
        home.folder.mkdir()
    return found


def in_step(homes: list[Home], seconds: float = 20) -> None:
    """All homes come to hold the same servers."""

    def equal() -> bool:
        return all(home.servers() == homes[0].servers() for home in homes[1:])

    until(equal, "all homes hold the same", seconds)


def synced(syncd: SyncdProcess) -> None:
    """One run, begun now or after the one under way, ends well."""
    run = syncd.client.ended(syncd.client.start("ai", queue=True).id)
    assert run.state == RUN_STATE_DONE, told(run)


def test_what_is_added_changed_and_removed_in_one_client_is_so_in_all(running: Running, homes: list[Home]) -> None:
    claude, codex, qwen = homes
    claude.put("a", SERVER)
    syncd = running(ai(homes))
    synced(syncd)
    in_step(homes)

    codex.put("a", {**SERVER, "env": {"LEVEL": "debug"}})
    until(lambda: claude.servers()["a"]["env"] == {"LEVEL": "debug"}, "the change has come to Claude")
    qwen.put("b", {"command": "uvx"})
    until(lambda: {"a", "b"} == set(codex.servers()), "the new server has come to Codex")
    claude.drop("a")
    until(lambda: set(codex.servers()) == set(qwen.servers()) == {"b"}, "the deletion has come to the others")

    assert json.loads(claude.file.read_text())["theme"] == "dark"


def test_a_reformatted_file_is_not_written_again(running: Running, homes: list[Home]) -> None:
    claude, codex, _ = homes
    claude.put("a", SERVER)
    syncd = running(ai(homes))
    synced(syncd)
    in_step(homes)
    claude.reformat(indent=7)
    written = claude.file.read_bytes(), codex.file.read_bytes()

    synced(syncd)

    assert (claude.file.read_bytes(), codex.file.read_bytes()) == written


def test_a_conflict_waits_for_a_person_and_everything_else_goes_on(running: Running, homes: list[Home]) -> None:
    claude, codex, qwen = homes
    claude.put("a", SERVER)
    syncd = running(ai(homes, policy="manual-review"))
    synced(syncd)
    syncd.ctl("pause", "ai")
    claude.put("a", {**SERVER, "env": {"LEVEL": "debug"}})
    codex.put("a", {**SERVER, "env": {"LEVEL": "trace"}})
    qwen.put("b", {"command": "uvx"})
    syncd.ctl("resume", "ai")
    synced(syncd)

    listed = syncd.ctl("conflicts", "list")
    number = next(word for word in listed.stdout.split() if len(word) == 16 and int(word, 16) >= 0)
    shown = syncd.ctl("conflicts", "show", number)
    before = [home.servers() for home in homes]
    resolved = syncd.ctl("conflicts", "resolve", number, "--take", "codex")
    in_step(homes)

    assert [home["b"] for home in before] == [{"command": "uvx"}] * 3
    assert [home["a"]["env"]["LEVEL"] for home in before] == ["debug", "trace", "info"]
    assert all(level in shown.stdout for level in ("debug", "trace", "info"))
    assert "env.LEVEL" in shown.stdout
    assert resolved.returncode == 0, resolved.stderr
    assert {home.servers()["a"]["env"]["LEVEL"] for home in homes} == {"trace"}


def test_a_file_that_does_not_parse_makes_its_client_wait_and_no_other(running: Running, homes: list[Home]) -> None:
    claude, codex, qwen = homes
    claude.put("a", SERVER)
    syncd = running(ai(homes))
    synced(syncd)
    broken = codex.file.read_text()
    codex.file.write_text("[mcp_servers.a\n")
    claude.put("b", {"command": "uvx"})
    until(lambda: "b" in qwen.servers(), "the other clients go on")

    listed = syncd.ctl("clients", "list").stdout
    kept = codex.file.read_text()
    codex.file.write_text(broken)
    in_step(homes)

    assert kept == "[mcp_servers.a\n"
    assert "waiting" in listed
    assert "config.toml" in listed


def test_an_old_version_can_be_brought_back_for_all_or_for_one_client(running: Running, homes: list[Home]) -> None:
    claude, codex, qwen = homes
    claude.put("a", SERVER)
    syncd = running(ai(homes))
    synced(syncd)
    claude.put("a", {"command": "broken"})
    until(lambda: qwen.servers()["a"] == {"command": "broken"}, "the change has come to Qwen")

    one = syncd.ctl("clients", "rollback", "--to", "1", "--side", "qwen")
    until(lambda: qwen.servers() == {"a": SERVER}, "Qwen has the old version")
    others = claude.servers(), codex.servers()
    everywhere = syncd.ctl("clients", "rollback", "--to", "1")
    until(lambda: codex.servers() == claude.servers() == {"a": SERVER}, "all have the old version")

    assert (one.returncode, everywhere.returncode) == (0, 0), one.stderr + everywhere.stderr
    assert others == ({"a": {"command": "broken"}}, {"a": {"command": "broken"}})


def test_a_side_that_is_only_observed_is_never_written(running: Running, homes: list[Home]) -> None:
    claude, codex, qwen = homes
    claude.put("a", SERVER)
    codex.put("b", {"command": "uvx"})
    before = codex.file.read_bytes()
    syncd = running(ai(homes, codex={"write": False}))
    synced(syncd)

    assert codex.file.read_bytes() == before
    assert set(qwen.servers()) == {"a", "b"}


def test_no_secret_is_in_logs_audit_settings_checkpoint_or_plan(running: Running, homes: list[Home]) -> None:
    claude, *_ = homes
    secret = "hunter2-hunter2"
    syncd = running(ai(homes))
    synced(syncd)
    syncd.ctl("pause", "ai")
    claude.put("a", {**SERVER, "env": {"API_TOKEN": secret}})
    plan = syncd.ctl("clients", "plan")
    syncd.ctl("resume", "ai")
    synced(syncd)
    in_step(homes)
    told = [
        syncd.ctl(*command.split()).stdout
        for command in (
            "show ai -o json",
            "audit tail -n 50 -o json",
            "runs -o json",
            "clients show -o json",
            "clients export",
            "clients versions",
        )
    ]
    told += [plan.stdout, syncd.log.read_text()]

    assert "API_TOKEN" in plan.stdout
    assert [text for text in told if secret in text] == []


@pytest.mark.timeout(180)
def test_a_storm_of_edits_and_reformatting_loses_nothing_and_is_soon_over(running: Running, homes: list[Home]) -> None:
    claude, codex, _ = homes
    draw = random.Random(3)
    seen: list[float] = []
    syncd = running(ai(homes[:2]))
    claude.put("s0", {"command": "c0"})
    synced(syncd)
    for number in range(1, 201):
        claude.put("level", {"command": f"v{number}"}, in_place=number % 2 == 0)
        if number % 4 == 0:
            codex.reformat(indent=draw.randint(1, 6))
        if number % 20 == 0:
            began = time.monotonic()
            until(lambda: codex.servers().get("level") == {"command": f"v{number}"}, "the edit has come over", 10)  # noqa: B023
            seen.append(time.monotonic() - began)
        time.sleep(draw.uniform(0, 0.04))
    in_step(homes[:2])

    actions = [entry.action for entry in syncd.client.audit_log(sync="ai")]
    assert claude.servers() == {"s0": {"command": "c0"}, "level": {"command": "v200"}}
    assert max(seen) <= 2, seen
    assert actions.count("client.written") <= 2 * actions.count("model.changed") <= 2 * 202


@pytest.mark.timeout(240)
def test_killing_syncd_at_any_moment_loses_no_edit(running: Running, homes: list[Home]) -> None:
    draw = random.Random(11)
    expected: dict[str, str] = {}
    syncd = running(ai(homes, rescan="1s"))
    for number in range(60 if os.environ.get("SYNCD_SOAK") else 16):
        home = draw.choice(homes)
        if expected and draw.random() < 0.2:
            name = draw.choice(sorted(expected))
            in_step(homes, 30)
            home.drop(name)
            del expected[name]
        else:
            home.put(f"s{number}", {"command": f"c{number}"})
            expected[f"s{number}"] = f"c{number}"
        time.sleep(draw.uniform(0, 0.6))
        if number % 6 == 5:
            syncd.restart()

    until(lambda: all(commands(home) == expected for home in homes), "all homes hold every edit", 40)


def commands(home: Home) -> dict[str, str]:
    return {name: server["command"] for name, server in home.servers().items()}


def test_clients_that_read_one_file_of_a_project_share_it(running: Running, homes: list[Home], tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "AGENTS.md").write_text("# Style\n\n- tabs\n")
    (project / "CLAUDE.md").write_text("@AGENTS.md\n")
    opencode = Home(tmp_path / "opencode", "opencode")
    opencode.folder.mkdir()
    sides = [*homes[:2], opencode]
    syncd = running(ai(sides, **{home.client: {"projects": [project]} for home in sides}))
    synced(syncd)

    with (project / "CLAUDE.md").open("a") as file:
        file.write("\n# Tests\n\n- all of them\n")
    until(lambda: "all of them" in (project / "AGENTS.md").read_text(), "the new section has come over")
    synced(syncd)

    assert (project / "AGENTS.md").read_text() == "# Style\n\n- tabs\n\n# Tests\n\n- all of them\n"
    assert (project / "CLAUDE.md").read_text() == "@AGENTS.md\n\n# Tests\n\n- all of them\n"


def test_a_deletion_that_would_break_a_client_in_one_of_its_projects_is_not_deployed_there(
    running: Running, homes: list[Home], tmp_path: Path
) -> None:
    claude, codex, qwen = homes
    (tmp_path / "project/.codex").mkdir(parents=True)
    overlay = tmp_path / "project/.codex/config.toml"
    overlay.write_text("[mcp_servers.a]\nenabled = false\n")
    claude.put("a", SERVER)
    claude.put("b", SERVER)
    syncd = running(ai(homes, codex={"projects": [tmp_path / "project"]}))
    synced(syncd)

    claude.drop("a")
    until(lambda: set(qwen.servers()) == {"b"}, "the deletion has come to Qwen")
    synced(syncd)
    listed = syncd.ctl("clients", "list").stdout
    before = set(codex.servers())
    overlay.unlink()
    in_step(homes)

    assert before == {"a", "b"}
    assert "stopped" in listed
    assert "mcp_servers.a" in listed


def test_a_model_can_be_taken_to_another_machine_without_its_secrets(running: Running, homes: list[Home], tmp_path: Path) -> None:
    claude, *_ = homes
    claude.put("a", {**SERVER, "env": {"LEVEL": "info", "TOKEN": "${TOKEN}", "API_KEY": "hunter2-hunter2"}})
    exported = tmp_path / "model.json"
    here = running(ai(homes, export_to=exported))
    synced(here)
    by_hand = here.ctl("clients", "export").stdout
    there = [Home(tmp_path / "there" / name, name) for name in ("claude", "qwen")]
    for home in there:
        home.folder.mkdir(parents=True)
    other = running(ai(there))
    synced(other)

    imported = other.ctl("clients", "import", "--file", str(exported))

    assert imported.returncode == 0, imported.stderr
    assert json.loads(by_hand) == json.loads(exported.read_text())
    assert "hunter2" not in by_hand
    assert [home.servers()["a"]["env"]["TOKEN"] for home in there] == ["${TOKEN}"] * 2


def test_a_server_of_a_project_waits_for_approval(running: Running, homes: list[Home], tmp_path: Path) -> None:
    claude, codex, _ = homes
    project = tmp_path / "project"
    project.mkdir()
    (project / ".mcp.json").write_text(json.dumps({"mcpServers": {"theirs": {"command": "curl"}}}))
    syncd = running(ai(homes[:2], **{home.client: {"projects": [project]} for home in homes[:2]}))
    synced(syncd)
    claude.put("mine", SERVER)
    until(lambda: "mine" in codex.servers(), "other servers go on")

    [conflict] = json.loads(syncd.ctl("conflicts", "list", "-o", "json").stdout)["conflicts"]
    before = (project / ".codex/config.toml").exists()
    syncd.ctl("conflicts", "resolve", conflict["id"], "--take", "claude")
    until((project / ".codex/config.toml").exists, "it is approved")

    assert conflict["kind"] == "CONFLICT_KIND_APPROVAL"
    assert not before
    assert set(claude.servers()) == set(codex.servers()) == {"mine"}
    assert "[mcp_servers.theirs]" in (project / ".codex/config.toml").read_text()
