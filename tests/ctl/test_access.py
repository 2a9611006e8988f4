"""`syncctl whoami` and `syncctl token`, against the services of a real daemon."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.ctl.inside import InsideCtl, Said
from tests.rpc.test_control_plane import wired
from tests.runtime.world import Play, sync

TOKEN = re.compile(r"syncd_[0-9a-f]{12}_[\w-]{43}")


class Ctl:
    """The client beside the loop on which the daemon lives."""

    def __init__(self, socket: Path) -> None:
        self._inside = InsideCtl(socket)

    async def __call__(self, *args: str) -> Said:
        return await asyncio.to_thread(self._inside, *args)


@pytest.fixture
async def ctl(tmp_path: Path) -> AsyncIterator[Ctl]:
    async with wired(tmp_path, Play(), sync("a")) as wire:
        yield Ctl(wire.socket)


async def test_whoami_tells_name_and_role(ctl: Ctl) -> None:
    said = await ctl("whoami")

    assert said.out.split() == ["actor", "root", "(uid", "0)", "role", "admin"]


async def test_a_token_is_shown_once_alone_on_standard_output(ctl: Ctl) -> None:
    said = await ctl("token", "create", "grafana", "--expires", "30d")

    assert TOKEN.fullmatch(said.out.strip())
    assert re.match(r"token [0-9a-f]{12} \(grafana\) gives the role viewer until \d{4}-\d\d-\d\d \d\d:\d\d UTC; keep it now", said.err)


async def test_a_token_in_the_environment_goes_with_every_call(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    token = (await ctl("token", "create", "grafana")).out.strip()
    monkeypatch.setenv("SYNCD_TOKEN", token)

    me, refused = await ctl("whoami"), await ctl("pause", "a")

    assert "token grafana (root (uid 0))" in me.out
    assert refused.code == 5
    assert refused.err.startswith(
        "error: PauseSync needs the role operator, token grafana (root (uid 0)) has viewer\n hint: see `syncctl whoami`"
    )


async def test_a_token_file_does_the_same_if_nobody_else_can_read_it(ctl: Ctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text((await ctl("token", "create", "ci", "--role", "operator", "--never-expires")).out)
    monkeypatch.setenv("SYNCD_TOKEN_FILE", str(file))

    file.chmod(0o600)
    private = await ctl("whoami")
    file.chmod(0o640)
    shared = await ctl("whoami")

    assert "operator" in private.out
    assert (shared.code, shared.err) == (2, f"error: others can read the token in {file}\n hint: chmod 600 {file}\n")


async def test_the_list_shows_what_each_token_is_good_for(ctl: Ctl) -> None:
    made = (await ctl("token", "create", "ci", "--never-expires")).out.split("_")[1]
    await ctl("token", "create", "grafana", "--role", "admin")
    revoked = await ctl("token", "revoke", made)

    table, lines = await ctl("token", "list"), json.loads((await ctl("token", "list", "-o", "json")).out)

    rows = {row.split()[1]: row.split()[2:5] for row in table.out.splitlines()[1:]}
    assert rows["ci"] == ["viewer", "revoked", "never"]
    assert rows["grafana"][:2] == ["admin", "until"]
    assert revoked.out == f"token {made} (ci) opens nothing any more\n"
    assert {token["name"] for token in lines["tokens"]} == {"ci", "grafana"}
