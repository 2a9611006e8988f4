"""Secrets come by reference and are read when used: they never stand in the settings, and never print."""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, model_validator

from syncd.domain.errors import BadCredentials
from syncd.settings.section import Section, SettingsPath

_FORMS = '{ env = "NAME" }, { file = "PATH" } or { credential = "NAME" }'


class SecretReference(Section):
    """Where a secret is found. `credential` is one that systemd hands over (`LoadCredential=`)."""

    model_config = ConfigDict(title="a secret by reference")

    env: str | None = None
    file: SettingsPath | None = None
    credential: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "SecretReference":
        if sum(value is not None for value in (self.env, self.file, self.credential)) != 1:
            raise ValueError(f"expected exactly one of {_FORMS}")
        return self

    def reveal(self) -> str:
        """Read the secret now. Raises `BadCredentials` that names the reference if there is nothing."""
        if self.env is not None:
            value = os.environ.get(self.env, "")
            missing = f"the environment variable {self.env} is not set, or empty"
        else:
            path = self.file or Path(os.environ.get("CREDENTIALS_DIRECTORY", "/run/credentials/syncd.service")) / str(self.credential)
            try:
                value = path.read_text(encoding="utf-8").strip()
                missing = f"the secret file {path} is empty"
            except OSError as error:
                raise BadCredentials(
                    f"the secret file {path} cannot be read: {error.strerror}", hint="check the path and its mode"
                ) from error
        if not value:
            raise BadCredentials(missing, hint=f"set it, or change the reference; secrets are given as {_FORMS}")
        return value


def _refuse_literals(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(f"a secret is never written into the settings; expected {_FORMS}")  # noqa: TRY004 - pydantic reads ValueError
    return value


Secret = Annotated[SecretReference, BeforeValidator(_refuse_literals)]
