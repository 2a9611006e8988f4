"""`syncctl` over TCP: what it shows, what it trusts, and what it says when that comes to nothing."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncctl import tls
from syncctl.problems import Problem
from syncctl.session import Session
from tests.ctl.inside import InsideCtl, Said
from tests.rpc.test_tls import AUTHORITY, STRANGE, Port, port
from tests.servers.ports import free_port


@dataclass
class Ctl:
    door: Port

    async def __call__(self, *args: str) -> Said:
        return await asyncio.to_thread(InsideCtl(Path("nowhere")), "--address", self.door.target, *args)


@pytest.fixture
async def ctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ctl]:
    (tmp_path / "world").mkdir()
    AUTHORITY.issues("grafana.example").keep(tmp_path, "grafana")
    STRANGE.issues("grafana.example").keep(tmp_path, "stranger")
    (tmp_path / "strange.pem").write_bytes(STRANGE.cert)
    monkeypatch.chdir(tmp_path)
    async with port(tmp_path) as door:
        yield Ctl(door)


async def test_a_client_certificate_says_who_one_is(ctl: Ctl) -> None:
    said = await ctl("whoami", "--tls-ca", "ca.pem", "--tls-cert", "grafana.pem", "--tls-key", "grafana.key")

    assert "grafana.example (certificate) from 127.0.0.1" in said.out


async def test_the_environment_names_the_files_and_a_token_goes_over_tls(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_TLS_CA", "ca.pem")
    monkeypatch.setenv("SYNCD_TOKEN", await ctl.door.token())

    assert "token robot (127.0.0.1)" in (await ctl("whoami")).out


@pytest.mark.parametrize(
    ("args", "code", "message", "hint"),
    [
        pytest.param((), 3, "closed the connection", "if it speaks TLS, name its authority with --tls-ca", id="in the clear to a TLS port"),
        pytest.param(("--tls-ca", "strange.pem"), 3, "is not trusted here", "names its authority", id="a daemon of another authority"),
        pytest.param(
            ("--tls-ca", "ca.pem", "--tls-cert", "stranger.pem", "--tls-key", "stranger.key"),
            3,
            "closed the connection",
            "client certificate",
            id="a client of another authority",
        ),
        pytest.param(("--tls-ca", "ca.pem"), 5, "nobody knows who calls", "Bearer TOKEN", id="neither token nor certificate"),
        pytest.param(("--tls-ca", "nowhere.pem"), 2, "nowhere.pem cannot be read", "--tls-ca", id="a file that is not there"),
        pytest.param(("--tls-cert", "grafana.pem"), 2, "go together", "--tls-key", id="a certificate without its key"),
    ],
)
async def test_what_went_wrong_is_told_with_a_way_out(ctl: Ctl, args: tuple[str, ...], code: int, message: str, hint: str) -> None:
    said = await ctl("pause", "a", *args)

    assert said.code == code
    error, way_out = said.err.splitlines()
    assert message in error
    assert hint in way_out


async def test_a_port_without_tls_is_named_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "world").mkdir()
    monkeypatch.chdir(tmp_path)
    async with port(tmp_path, tls=False) as door:
        said = await Ctl(door)("whoami", "--tls-ca", "ca.pem")

    assert (said.code, "does not speak TLS" in said.err) == (3, True)


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    cert, key = AUTHORITY.issues("ada").keep(tmp_path, "ada")
    key.chmod(0o640)

    with pytest.raises(Problem, match="others can read the key") as caught:
        tls.channel_credentials(Session(tls_cert=str(cert), tls_key=str(key)), "localhost:7443")

    assert caught.value.hint == f"chmod 600 {key}"


@pytest.mark.parametrize(
    ("target", "secured"),
    [
        pytest.param("unix:/run/syncd/syncd.sock", False, id="a socket needs none"),
        pytest.param("127.0.0.1:7443", False, id="nor does this machine"),
        pytest.param("[::1]:7443", False, id="by either address"),
        pytest.param("10.0.0.7:7443", True, id="a network does"),
        pytest.param("syncd.example:7443", True, id="and so does a name"),
    ],
)
def test_nothing_goes_over_a_network_in_the_clear(target: str, secured: bool) -> None:
    assert (tls.channel_credentials(Session(), target) is not None) is secured


async def test_where_nobody_listens_there_is_no_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    said = await asyncio.to_thread(InsideCtl(Path("nowhere")), "--address", f"127.0.0.1:{free_port()}", "whoami")

    assert (said.code, "no daemon answers at 127.0.0.1" in said.err) == (3, True)
