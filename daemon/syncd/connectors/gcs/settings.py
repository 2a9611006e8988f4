"""The settings of a bucket."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from syncd.settings.secret import Secret
from syncd.settings.section import Duration, Section

GOOGLE = "https://storage.googleapis.com"


def _web_address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("expected an address that begins with http:// or https://")
    if "@" in urlsplit(url).netloc:
        raise ValueError("an address holds no user and no password; an account is given as `credentials`")
    return url.rstrip("/")


def _folder(prefix: str) -> str:
    parts = [part for part in prefix.split("/") if part]
    return "".join(f"{part}/" for part in parts)


class Settings(Section):
    """`[connections.NAME]` with `kind = "gcs"`."""

    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$")]
    """The name of the bucket, without `gs://`; it must exist."""
    prefix: Annotated[str, AfterValidator(_folder)] = ""
    """A folder of the bucket, for which alone objects are read and written: `syncd/metadata`."""
    endpoint: Annotated[str, AfterValidator(_web_address)] = GOOGLE
    """Another server that speaks the JSON API of Cloud Storage, such as an emulator: `http://127.0.0.1:9023`."""
    credentials: Secret | None = None
    """The JSON key of a service account. Without it, the application default credentials; for another server than Google's, none."""
    project: str | None = None
    """The project to name as the caller's, where the credentials do not tell it."""
    timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=20)
    """How long one call may take, with all its attempts."""

    @property
    def anonymous(self) -> bool:
        host = urlsplit(self.endpoint).hostname or ""
        return self.credentials is None and not host.endswith("googleapis.com")
