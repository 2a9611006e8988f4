"""The files of `[listen.tls]`: what is used, what is refused and why, and how they are changed."""

from pathlib import Path
from typing import Any

import pytest

from syncd.domain.errors import PermanentError
from syncd.rpc.tls import Certificates, secured
from syncd.settings.daemon import TlsSection
from tests.rpc.authority import DAY, Authority

AUTHORITY = Authority()


def kept(folder: Path, **more: Any) -> TlsSection:
    cert, key = AUTHORITY.for_this_machine(**more).keep(folder, "syncd")
    return TlsSection(cert=cert, key=key)


def with_an_open_key(folder: Path) -> TlsSection:
    tls = kept(folder)
    tls.key.chmod(0o644)
    return tls


def with_a_key_of_another(folder: Path) -> TlsSection:
    tls = kept(folder)
    tls.key.write_bytes(AUTHORITY.for_this_machine().key)
    return tls


def with_a_locked_key(folder: Path) -> TlsSection:
    cert, key = AUTHORITY.issues("syncd", "localhost", password=b"secret").keep(folder, "syncd")
    return TlsSection(cert=cert, key=key)


def with_a_cut_certificate(folder: Path) -> TlsSection:
    tls = kept(folder)
    tls.cert.write_bytes(tls.cert.read_bytes()[:200])
    return tls


def with_a_key_as_certificate(folder: Path) -> TlsSection:
    tls = kept(folder)
    return TlsSection(cert=tls.key, key=tls.key)


def without_a_file(folder: Path) -> TlsSection:
    return TlsSection(cert=folder / "nowhere.pem", key=kept(folder).key)


def with_an_empty_authority(folder: Path) -> TlsSection:
    tls = kept(folder)
    (folder / "ca.pem").touch()
    return TlsSection(cert=tls.cert, key=tls.key, client_ca=folder / "ca.pem")


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        pytest.param(with_an_open_key, "listen.insecure", "others can read or change the key", id="a key that others can read"),
        pytest.param(with_a_key_of_another, "listen.certificate", "does not belong to the certificate", id="a key of another certificate"),
        pytest.param(with_a_locked_key, "listen.certificate", "needs a password", id="a key with a password"),
        pytest.param(with_a_cut_certificate, "listen.certificate", "cannot be used", id="half a certificate"),
        pytest.param(with_a_key_as_certificate, "listen.certificate", "holds no certificate in PEM", id="no certificate"),
        pytest.param(without_a_file, "listen.certificate", "No such file", id="no file"),
        pytest.param(with_an_empty_authority, "listen.certificate", "ca.pem holds no certificate in PEM", id="an authority without one"),
        pytest.param(
            lambda folder: kept(folder, life=(-2 * DAY, -DAY)), "listen.certificate", "certificate has expired", id="an expired certificate"
        ),
        pytest.param(
            lambda folder: kept(folder, life=(DAY, 2 * DAY)), "listen.certificate", "not yet valid", id="a certificate of tomorrow"
        ),
    ],
)
def test_files_that_cannot_be_used_are_refused_with_the_reason_and_a_way_out(tmp_path: Path, make: Any, code: str, words: str) -> None:
    tls = make(tmp_path)

    with pytest.raises(PermanentError, match=words) as caught:
        secured(tls)

    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize("mode", [pytest.param(0o600, id="its owner"), pytest.param(0o440, id="its group, as credentials of systemd are")])
def test_a_key_may_be_read_by(tmp_path: Path, mode: int) -> None:
    tls = kept(tmp_path)
    tls.key.chmod(mode)

    assert secured(tls).cert_store_stats()["x509"] == 0


def test_new_files_are_read_and_broken_ones_leave_the_old_in_force_with_one_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificates = Certificates(kept(tmp_path))
    first = certificates.context

    certificates.refresh()
    same = certificates.context
    (tmp_path / "syncd.pem").write_text("rubbish")
    certificates.refresh()
    certificates.refresh()
    broken = certificates.context
    kept(tmp_path)
    certificates.refresh()

    assert (same, broken) == (first, first)
    assert certificates.context is not first
    out = capsys.readouterr().out
    assert out.count("new certificate cannot be used") == 1
    assert "syncd.pem holds no certificate in PEM" in out
