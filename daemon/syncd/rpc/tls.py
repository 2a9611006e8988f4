"""TLS of one listener: what callers are shown, and whose certificates they may show."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path
from typing import NoReturn

import structlog

from syncd.domain.errors import PermanentError
from syncd.settings.daemon import TlsSection

log = structlog.get_logger()

_TURNS = 3
"""A handshake is over after as many."""
_MARKS = {"certificate": b"-----BEGIN CERTIFICATE-----", "key": b"PRIVATE KEY-----"}
_CODE = "listen.certificate"


class Certificates:
    """The certificate that new callers are shown. One that is put in its place and cannot be used leaves the old one in force."""

    def __init__(self, tls: TlsSection) -> None:
        """Raises `PermanentError` if it cannot be used."""
        self._tls = tls
        self._seen = _traces(tls)
        self.context = secured(tls)

    def refresh(self) -> None:
        """Read the files again if one has changed."""
        traces = _traces(self._tls)
        if traces == self._seen:
            return
        self._seen = traces
        try:
            self.context = secured(self._tls)
        except PermanentError as error:
            log.warning("new certificate cannot be used, the old one stays in force", problem=str(error), hint=error.hint)
        else:
            log.info("certificate read again", certificate=str(self._tls.cert))


def secured(tls: TlsSection) -> ssl.SSLContext:
    """Read the files. Raises `PermanentError` `listen.insecure` or `listen.certificate`, with a way out."""
    _check_texts(tls)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    # Nobody comes in on the strength of what it showed before the files were changed.
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    try:
        context.load_cert_chain(tls.cert, tls.key, password=lambda: _locked(tls.key))
        if tls.client_ca:
            context.verify_mode = ssl.CERT_OPTIONAL  # a token does as well
            context.load_verify_locations(tls.client_ca)
    except ssl.SSLError as error:
        raise _unusable(tls, error) from error
    _check_moment(context, tls.cert)
    return context


def _check_texts(tls: TlsSection) -> None:
    """Raises if a file is not what it should be, or the key is not kept secret."""
    _check(tls.key, "key")
    if tls.key.stat().st_mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise PermanentError(f"others can read or change the key {tls.key}", hint=f"chmod 600 {tls.key}", code="listen.insecure")
    _check(tls.cert, "certificate")
    if tls.client_ca:
        _check(tls.client_ca, "certificate")


def _check(path: Path, kind: str) -> None:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise PermanentError(f"the {kind} {path} cannot be read: {error.strerror}", hint="check `[listen.tls]`", code=_CODE) from error
    if _MARKS[kind] not in text:
        raise PermanentError(f"{path} holds no {kind} in PEM", hint="check `[listen.tls]`", code=_CODE)


def _locked(key: Path) -> NoReturn:
    """OpenSSL would ask on the terminal."""
    hint = f"keep it without one, for syncd's user alone: openssl pkey -in {key} -out NEW"
    raise PermanentError(f"the key {key} needs a password", hint=hint, code=_CODE)


def _unusable(tls: TlsSection, error: ssl.SSLError) -> PermanentError:
    if error.reason == "KEY_VALUES_MISMATCH":
        message, hint = f"the key {tls.key} does not belong to the certificate {tls.cert}", "put both in place together"
        return PermanentError(message, hint=hint, code=_CODE)
    found = (error.reason or str(error)).lower().replace("_", " ")
    return PermanentError(f"the files of `[listen.tls]` cannot be used: {found}", hint=f"see {tls.cert} and {tls.key}", code=_CODE)


def _check_moment(server: ssl.SSLContext, cert: Path) -> None:
    """Raises if callers would refuse the certificate: one that trusts it is let in, and tells."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(cert)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = client.wrap_bio(down, up), server.wrap_bio(up, down, server_side=True)
    try:
        for side in sides * _TURNS:
            _turn(side)
    except ssl.SSLCertVerificationError as error:
        message = f"callers will not take the certificate {cert}: {error.verify_message}"
        raise PermanentError(message, hint="get a new one for this machine", code=_CODE) from error


def _turn(side: ssl.SSLObject) -> None:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return


def _traces(tls: TlsSection) -> list[tuple[int, ...]]:
    """What differs after any change of the files; nothing of those that are missing."""
    traces: list[tuple[int, ...]] = []
    for path in (tls.cert, tls.key, *([tls.client_ca] if tls.client_ca else [])):
        try:
            found = path.stat()
        except OSError:
            traces.append(())
        else:
            traces.append((found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
    return traces
