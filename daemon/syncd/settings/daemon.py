"""What an operator writes about the daemon itself."""

import os
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from syncd.domain.access import Role
from syncd.settings.access import AccessSection, Group
from syncd.settings.addresses import host_and_port, is_loopback
from syncd.settings.errors import ErrorsSection
from syncd.settings.logs import LogsSection
from syncd.settings.metrics import MetricsSection
from syncd.settings.retry import Retry
from syncd.settings.section import Duration, Section, SettingsPath
from syncd.settings.traces import TracesSection

_SOCKET_PATH_BYTES = 107
"""What the kernel has room for in an address of a UNIX socket (unix(7)), less the final zero."""


def _fits_an_address(path: Path) -> Path:
    size = len(os.fsencode(path))
    if size > _SOCKET_PATH_BYTES:
        raise ValueError(f"the path of a socket has at most {_SOCKET_PATH_BYTES} bytes, {path} has {size}")
    return path


def _is_numeric(address: str) -> str:
    """A name would be looked up at every start, and could lead elsewhere than to loopback."""
    host, _ = host_and_port(address)
    if host != "localhost":
        try:
            ip_address(host)
        except ValueError:
            raise ValueError(f"expected an IP address or 'localhost' before the port, got {host!r}") from None
    return address


class DaemonSection(Section):
    """`[daemon]`."""

    state_dir: SettingsPath = Field(default=Path("state"), validate_default=True)
    """Where the ledger, the lock and, unless `[[listen]]` says otherwise, the socket are."""
    concurrency: Annotated[int, Field(ge=1)] = 4
    """How many runs are at work at once."""
    retry: Retry = Retry()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    stop_timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=30)
    """How long running batches may take to end when the daemon stops."""
    keep_runs: Annotated[int, Field(ge=1)] = 1000
    """How many ended runs of each sync are remembered."""
    audit_keep_months: Annotated[int, Field(ge=1)] | None = None
    """How many whole months of the audit log are kept before the one under way; without it, all."""
    access: AccessSection = AccessSection()
    logs: LogsSection = LogsSection()
    metrics: MetricsSection = MetricsSection()
    errors: ErrorsSection = ErrorsSection()
    traces: TracesSection = TracesSection()


class TlsSection(Section):
    """`[listen.tls]`: files in PEM."""

    cert: SettingsPath
    """The certificate that callers are shown, and those that lead from it to its authority."""
    key: SettingsPath
    client_ca: SettingsPath | None = None
    """Whose certificates callers may show instead of a token."""


class ListenSection(Section):
    """One `[[listen]]`: a UNIX socket or a TCP address where clients call."""

    socket: Annotated[SettingsPath, AfterValidator(_fits_an_address)] | None = None
    address: Annotated[str, AfterValidator(_is_numeric)] | None = None
    """`HOST:PORT`."""
    group: Group | None = None
    """The group that may open the socket; without one, the daemon's own."""
    role: Role = Role.ADMIN
    """Nobody may do more than this here."""
    tls: TlsSection | None = None

    @property
    def way(self) -> Literal["socket", "address"]:
        return "socket" if self.socket else "address"

    @property
    def place(self) -> str:
        return str(self.socket or self.address)

    @model_validator(mode="after")
    def _is_one_of_both(self) -> "ListenSection":
        if (self.socket is None) == (self.address is None):
            raise ValueError("expected exactly one of 'socket' and 'address'")
        if self.socket is not None and self.tls is not None:
            raise ValueError("'tls' goes with 'address': a UNIX socket does not leave this machine")
        if self.address is not None and self.group is not None:
            raise ValueError("'group' goes with 'socket': who calls over TCP shows a token or a certificate")
        return self

    @model_validator(mode="after")
    def _stays_private(self) -> "ListenSection":
        if self.address is not None and self.tls is None and not is_loopback(host_and_port(self.address)[0]):
            raise ValueError(
                f"other machines can reach {self.address}, and without TLS whoever is on the way reads the tokens; "
                "add '[listen.tls]' with 'cert' and 'key', or use 127.0.0.1 or [::1]"
            )
        return self
