"""Who is told what about syncs without asking."""

from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from syncd.domain.notice import Happening
from syncd.settings.addresses import is_loopback
from syncd.settings.secret import Secret
from syncd.settings.section import Duration, Section


def _is_web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected an address such as 'https://chat.example/hooks/syncd'")
    if parts.username or parts.password:
        raise ValueError("a login is never written into the settings; use 'token', or 'webhook_secret' for the whole address")
    return url


def _names_some(on: tuple[Happening, ...]) -> tuple[Happening, ...]:
    if not on:
        raise ValueError(f"expected one or more of {', '.join(repr(each.value) for each in Happening)}")
    return on


class NotifySection(Section):
    """One `[[notify]]`: a channel to people."""

    name: str = ""
    """What the audit log and the metrics call it; without it, the webhook's host or the command's file."""
    webhook: Annotated[str, AfterValidator(_is_web_address)] | None = None
    """Where each message is posted as JSON."""
    webhook_secret: Secret | None = None
    """The same, where the address itself is a secret, as those of chat services are."""
    token: Secret | None = None
    """Sent with the webhook as `Authorization: Bearer`."""
    command: tuple[str, ...] = ()
    """A program and its arguments; each message comes as JSON on its standard input."""
    on: Annotated[tuple[Happening, ...], AfterValidator(_names_some)] = (
        Happening.HALTED,
        Happening.FAILED,
        Happening.RECOVERED,
        Happening.DRIFT,
    )
    syncs: tuple[str, ...] = ()
    """Names of syncs, with `*` and `?`; empty: all."""
    quiet: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(hours=1)
    """What was told is not told again sooner, however often it comes and goes."""

    @model_validator(mode="after")
    def _has_one_way(self) -> "NotifySection":
        if sum((self.webhook is not None, self.webhook_secret is not None, bool(self.command))) != 1:
            raise ValueError("expected exactly one of 'webhook', 'webhook_secret' and 'command'")
        if self.token is not None and self.command:
            raise ValueError("'token' goes with a webhook only")
        if self.token is not None and self.webhook and not _keeps_secrets(self.webhook):
            raise ValueError("a token is only sent over https")
        return self

    @property
    def channel(self) -> str:
        if self.name:
            return self.name
        return (urlsplit(self.webhook).hostname or "") if self.webhook else PurePath(self.command[0]).name if self.command else "webhook"

    def concerns(self, sync: str) -> bool:
        return not self.syncs or any(fnmatchcase(sync, pattern) for pattern in self.syncs)


def _keeps_secrets(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")
