"""Programs that share no code with us speak to the daemon, each through the same list as our own command line client."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from typing import Any

import pytest

from tests.servers.node_packages import installed
from tests.system.conformance import ABOUT_ITSELF, promises
from tests.system.foreign import curl, ours
from tests.system.foreign.programs import API, PROTO, printed
from tests.system.foreign.watchers import all_hear, commands, reading
from tests.system.harness import SyncdProcess
from tests.system.one_of_each import one_of_each

Found = dict[str, Any]


@pytest.fixture(scope="module")
def syncd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncdProcess]:
    folder = tmp_path_factory.mktemp("foreign")
    with SyncdProcess(folder / "syncd", one_of_each(folder)) as process:
        process.client.done("warehouse")
        yield process


def python(syncd: SyncdProcess) -> Found:
    command = [sys.executable, str(API / "python_client.py"), f"unix:{syncd.socket}", "products", "warehouse", "from python"]
    return dict(json.loads(printed(command)))


def node(syncd: SyncdProcess, *folder: str) -> Found:
    command = ["node", "client.js", f"unix:{syncd.socket}", "products", "warehouse", f"from node {folder}", *folder]
    return dict(json.loads(printed(command, installed(API / "node"))))


def node_by_proto(syncd: SyncdProcess) -> Found:
    return node(syncd, str(PROTO))


CLIENTS = [
    pytest.param(ours.found, ABOUT_ITSELF, id="syncctl"),
    pytest.param(python, frozenset(), id="the example in Python"),
    pytest.param(node_by_proto, frozenset(), id="the example in Node, from the .proto files"),
    pytest.param(node, frozenset(), id="the example in Node, by reflection"),
    pytest.param(curl.found, frozenset(), id="buf curl"),
]


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("client", "unasked"), CLIENTS)
def test_every_client_finds_what_is_promised(syncd: SyncdProcess, client: Callable[[SyncdProcess], Found], unasked: frozenset[str]) -> None:
    published = sha256((syncd.folder.parent / "shelf" / "cache.json").read_bytes()).hexdigest()
    epoch = json.loads(syncd.ctl("daemon", "info", "-o", "json").stdout)["epoch"]

    found = client(syncd)

    assert found == {name: value for name, value in promises(epoch, published).items() if name not in unasked}


@pytest.mark.timeout(180)
def test_everybody_who_watches_hears_of_a_restart_and_has_all_of_it_again(syncd: SyncdProcess) -> None:
    with ExitStack() as stack:
        readers = {name: stack.enter_context(reading(*command)) for name, command in commands(syncd).items()}
        all_hear(readers, "all")

        syncd.stop()
        all_hear(readers, "all", "farewell")
        syncd.start()

        all_hear(readers, "all", "farewell", "all")
