"""The base of every settings section, and the types of values that settings share."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo

from syncd.kit.text import did_you_mean, parse_duration


class Section(BaseModel):
    """Settings are frozen, and a key that nobody knows is a problem. No input value stands in an error text: it could be a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _resolve(path: Path, info: ValidationInfo) -> Path:
    base = (info.context or {}).get("base", Path.cwd())
    return (Path(base) / path.expanduser()).absolute()


SettingsPath = Annotated[Path, AfterValidator(_resolve)]
"""A path; a relative one starts at the folder of the settings file."""


def _duration(value: Any) -> Any:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""A length of time, written `30s`, `5m`, `1h30m`."""


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f"no such time zone{did_you_mean(name, available_timezones())}") from error


Zone = Annotated[str, AfterValidator(_known_zone)]
"""A time zone by its IANA name, such as `Asia/Seoul`."""
