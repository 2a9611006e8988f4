"""How much of its own log the daemon keeps."""

from typing import Annotated

from pydantic import Field

from syncd.settings.section import Section


class LogsSection(Section):
    """`[daemon.logs]`."""

    keep_mib: Annotated[int, Field(ge=0, le=1 << 20)] = 64
    """How many MiB of the log are kept in the state folder; 0 keeps none."""
