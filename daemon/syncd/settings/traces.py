"""Where traces of runs are sent."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from syncd.settings.addresses import is_loopback
from syncd.settings.secret import Secret
from syncd.settings.section import Section


def _is_web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected the address of a collector for OTLP over HTTP, such as 'http://127.0.0.1:4318/v1/traces'")
    if parts.username or parts.password or parts.query:
        raise ValueError("a login is never written into the settings; use 'headers'")
    return url


class TracesSection(Section):
    """`[daemon.traces]`."""

    endpoint: Annotated[str, AfterValidator(_is_web_address)] | None = None
    """Where an OpenTelemetry collector takes traces by OTLP over HTTP; without it, there are none."""
    headers: Mapping[str, Secret] = {}
    """Sent with every request, by name."""
    anywhere: bool = False
    """Allow http to another machine. Whoever is on the way reads the names of syncs and connections."""

    @model_validator(mode="after")
    def _stays_private(self) -> "TracesSection":
        parts = urlsplit(self.endpoint or "")
        if parts.scheme != "http" or is_loopback(parts.hostname or ""):
            return self
        if self.headers:
            raise ValueError("headers hold secrets, which are sent to other machines over https only")
        if not self.anywhere:
            raise ValueError(f"traces to {parts.hostname} can be read on the way; use https, or allow it with 'anywhere = true'")
        return self
