"""Where the daemon's metrics can be read."""

from typing import Annotated

from pydantic import AfterValidator, model_validator

from syncd.settings.addresses import host_and_port, is_loopback
from syncd.settings.section import Section


def _splits(address: str) -> str:
    host_and_port(address)
    return address


class MetricsSection(Section):
    """`[daemon.metrics]`."""

    address: Annotated[str, AfterValidator(_splits)] | None = None
    """`HOST:PORT` of the HTTP listener; without it there is none."""
    anywhere: bool = False
    """Allow an address that other machines can reach. Whoever reaches it reads the names of all syncs."""

    @model_validator(mode="after")
    def _stays_at_home(self) -> "MetricsSection":
        if self.address and not self.anywhere and not is_loopback(host_and_port(self.address)[0]):
            raise ValueError(
                f"other machines can reach {self.address}, and whoever does reads the names of all syncs; "
                "use 127.0.0.1 or [::1], or allow it with 'anywhere = true'"
            )
        return self
