"""The guide to clients syncs, carried out word by word: its settings, its commands, and what it promises of them."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.system.conftest import Running
from tests.system.homes import Home
from tests.system.waiting import until

GUIDE = (Path(__file__).parents[2] / "docs/clients.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[list[str]]:
    return [line.partition("#")[0].split()[1:] for line in block.splitlines() if line.startswith("syncctl")]


@pytest.mark.timeout(120)
def test_the_guide_leads_to_clients_that_are_in_step(running: Running, tmp_path: Path) -> None:
    [settings] = [tomllib.loads(block) for block in blocks("toml")]
    first, deciding, back = blocks("shell")
    sync = settings["syncs"]["ai"] | {"validate_with": "model"}
    homes = [Home(tmp_path, name) for name in sync["sides"]]
    for side in sync["sides"].values():
        side["home"] = tmp_path
    homes[0].put("a", {"command": "npx"})
    syncd = running({"syncs": {"ai": sync}})

    observed = homes[1].servers()
    for side in sync["sides"].values():
        del side["write"]
    syncd.write({"syncs": {"ai": sync}})
    for command in commands(first):
        done = syncd.ctl(*command)
        assert done.returncode in (0, 6), f"{command}: {done.stdout}{done.stderr}"
    until(lambda: all(home.servers() == {"a": {"command": "npx"}} for home in homes), "all have the server")
    homes[1].put("b", {"command": "uvx"})
    until(lambda: set(homes[2].servers()) == {"a", "b"}, "all have the second one")
    rolled = [syncd.ctl(*[word.replace("3", "1").replace("5", "2") for word in command]) for command in commands(back)]
    until(lambda: set(homes[2].servers()) == {"a"}, "the first version is back")

    assert observed == {}
    assert [done.returncode for done in rolled] == [0, 0, 0, 0], [done.stderr for done in rolled]
    assert [syncd.ctl(*command).returncode for command in commands(deciding)] == [0, 4, 4]
