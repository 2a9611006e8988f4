"""TLS to a daemon behind a TCP address: which files speak for us, and what went wrong if it came to nothing."""

# The stubs of grpc name types that it does not have at run time.
from __future__ import annotations

import os
from pathlib import Path

import grpc

from syncctl.problems import START, Broken, Exit, Problem
from syncctl.session import Session

_OTHERS = 0o077


def channel_credentials(session: Session, target: str) -> grpc.ChannelCredentials | None:
    """None where nobody else can listen in: at a UNIX socket, and on this machine unless a file of TLS is named.

    Raises `Problem` if a file cannot be read, or others can read the key.
    """
    ca, cert, key = (_named(session, name) for name in ("tls_ca", "tls_cert", "tls_key"))
    if target.startswith("unix:") or (_local(target) and not (ca or cert or key)):
        return None
    if bool(cert) != bool(key):
        raise Problem("a certificate and its key go together", hint="give both --tls-cert and --tls-key", code=Exit.USAGE)
    if key and key.exists() and key.stat().st_mode & _OTHERS:
        raise Problem(f"others can read the key {key}", hint=f"chmod 600 {key}", code=Exit.USAGE)
    return grpc.ssl_channel_credentials(_read(ca), _read(key), _read(cert))


def _named(session: Session, name: str) -> Path | None:
    file = getattr(session, name) or os.environ.get(f"SYNCD_{name.upper()}")
    return Path(file).expanduser() if file else None


def _read(file: Path | None) -> bytes | None:
    try:
        return file.read_bytes() if file else None
    except OSError as error:
        hint = "see --tls-ca, --tls-cert, --tls-key and $SYNCD_TLS_CA, $SYNCD_TLS_CERT, $SYNCD_TLS_KEY"
        raise Problem(f"{file} cannot be read: {error.strerror}", hint=hint, code=Exit.USAGE) from error


def _local(target: str) -> bool:
    host = target.rpartition(":")[0].strip("[]")
    return host in ("localhost", "::1") or host.startswith("127.")


def unreachable(target: str, said: str, *, secured: bool) -> Problem:
    """What became of a call to a TCP address that never reached a daemon."""
    if "CERTIFICATE_VERIFY_FAILED" in said or "Hostname Verification" in said:
        hint = "--tls-ca or $SYNCD_TLS_CA names its authority; the certificate must name the host of --address"
        return Problem(f"the certificate of {target} is not trusted here", hint=hint, code=Exit.UNREACHABLE, debug=said)
    if "WRONG_VERSION_NUMBER" in said:
        hint = "without --tls-ca, --tls-cert, $SYNCD_TLS_CA and $SYNCD_TLS_CERT a loopback address is called in the clear"
        return Problem(f"what listens at {target} does not speak TLS", hint=hint, code=Exit.UNREACHABLE, debug=said)
    if "Connection refused" in said or not _cut(said):
        return Broken(f"no daemon answers at {target}", hint=START, debug=said)
    hint = (
        "if it wants no such client certificate, leave --tls-cert away; its log says more"
        if secured
        else "if it speaks TLS, name its authority with --tls-ca or $SYNCD_TLS_CA"
    )
    return Broken(f"{target} closed the connection", hint=hint, debug=said)


def _cut(said: str) -> bool:
    return any(words in said for words in ("Socket closed", "Connection reset", "Broken pipe", "Endpoint closing"))
