"""The settings of an Anthropic connection."""

from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from syncd.ports.models import Prices
from syncd.settings.secret import Secret
from syncd.settings.section import Duration, Section


def _web_address(url: str) -> str:
    if not url.startswith(("http://", "https://")) or not urlsplit(url).hostname:
        raise ValueError("expected an address that begins with http:// or https://")
    if "@" in urlsplit(url).netloc:
        raise ValueError("an address holds no user and no password; the key is given as `key`")
    return url.rstrip("/")


_Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Positive = Annotated[Duration, Field(gt=timedelta(0))]

_KEPT = {"5m": 1.25, "1h": 2.0}
_REUSED = 0.1


class PricesSection(Section):
    """US dollars for a million tokens, as the service's price list has them."""

    input: _Price
    output: _Price
    kept: _Price | None = None
    """Of tokens written to what the service keeps; by default 1.25 times `input`, twice with `keep = "1h"`."""
    reused: _Price | None = None
    """Of tokens read from what the service kept; by default a tenth of `input`."""


class Settings(Section):
    """`[connections.NAME]` with `kind = "anthropic"`."""

    key: Secret
    """An API key."""
    model: Annotated[str, Field(min_length=1)]
    """The model as the service names it, such as `claude-sonnet-4-5`."""
    base_url: Annotated[str, AfterValidator(_web_address)] = "https://api.anthropic.com"
    """Where the service, or a gateway to it, answers."""
    prices: PricesSection | None = None
    """Without it, tokens are told but no money."""
    timeout: _Positive = timedelta(seconds=120)
    """How long the service may be silent: until a short answer is there, or the next piece of a long one."""
    deadline: _Positive = timedelta(minutes=5)
    """How long all attempts of one prompt may take, with the waits between them."""
    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    """How often one prompt is sent at most."""
    longest_wait: _Positive = timedelta(seconds=60)
    """How long to wait between two attempts at most, whatever the service asks for."""
    keep: Literal["5m", "1h"] = "5m"
    """How long the service keeps the part that many prompts share, counted from its last use."""

    def told_prices(self) -> Prices | None:
        """The prices with what was left out filled in; None if nobody has told them."""
        told = self.prices
        if told is None:
            return None
        kept = told.input * _KEPT[self.keep] if told.kept is None else told.kept
        reused = told.input * _REUSED if told.reused is None else told.reused
        return Prices(told.input, told.output, kept, reused)
