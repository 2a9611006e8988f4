"""What an operator writes about the daemon itself."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from syncd.domain.access import Role
from syncd.settings.access import AccessSection, Group
from syncd.settings.errors import ErrorsSection
from syncd.settings.metrics import MetricsSection
from syncd.settings.retry import Retry
from syncd.settings.section import Duration, Section, SettingsPath

_SOCKET_PATH_BYTES = 107
"""What the kernel has room for in an address of a UNIX socket (unix(7)), less the final zero."""


def _fits_an_address(path: Path) -> Path:
    size = len(os.fsencode(path))
    if size > _SOCKET_PATH_BYTES:
        raise ValueError(f"the path of a socket has at most {_SOCKET_PATH_BYTES} bytes, {path} has {size}")
    return path


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
    metrics: MetricsSection = MetricsSection()
    errors: ErrorsSection = ErrorsSection()


class ListenSection(Section):
    """One `[[listen]]`: a UNIX socket where clients call."""

    socket: Annotated[SettingsPath, AfterValidator(_fits_an_address)]
    group: Group | None = None
    """The group that may open it; without one, the daemon's own."""
    role: Role = Role.ADMIN
    """Nobody may do more than this here."""
