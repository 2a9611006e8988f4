"""The settings of an Oracle connection."""

import re
import warnings
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from syncd.settings.secret import Secret
from syncd.settings.section import Duration, Section, SettingsPath, Zone

# The name is the field's standard term; what pydantic warns about is a method that nobody calls.
warnings.filterwarnings("ignore", 'Field name "schema" in "Settings" shadows', UserWarning)


def _without_login(dsn: str) -> str:
    # A password may hold any character, so an `@` anywhere counts; only a descriptor has a place for others.
    if ("@" in dsn and not dsn.lstrip().startswith("(")) or re.search(r"password\s*=", dsn, re.IGNORECASE):
        raise ValueError("a dsn holds no user and no password; they are given as `user` and `password`")
    return dsn


def _passes(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("expected more than no time")
    return value


Wait = Annotated[Duration, AfterValidator(_passes)]


class Settings(Section):
    """`[connections.NAME]` with `kind = "oracle"`."""

    dsn: Annotated[str, Field(min_length=1), AfterValidator(_without_login)]
    """`host:port/service`, a whole descriptor, or a name in the `tnsnames.ora` of `config_dir`."""
    user: Annotated[str, Field(min_length=1)]
    password: Secret
    schema: str = ""  # type: ignore[assignment]
    """Whose tables are meant where a name has no owner. Default: those of `user`."""
    config_dir: SettingsPath | None = None
    """The folder with `tnsnames.ora`."""
    wallet_location: SettingsPath | None = None
    """The folder with `ewallet.pem`, for TLS."""
    wallet_password: Secret | None = None
    ssl_server_dn_match: bool = True
    """Whether the name in the server's certificate has to be that of the host."""
    ssl_server_cert_dn: str | None = None
    """The distinguished name that the server's certificate has to have."""
    thick: bool = False
    """Use Oracle's client libraries instead of the driver's own protocol. All connections of a daemon do, or none."""
    thick_lib_dir: SettingsPath | None = None
    """The folder with those libraries; default: where the system looks for libraries."""
    pool_size: Annotated[int, Field(ge=2)] = 8
    """Sessions at once, over all syncs of this connection. A full run holds one for each of its readers, and one more."""
    connect_timeout: Wait = timedelta(seconds=10)
    """How long the TCP connection may take."""
    login_timeout: Wait = timedelta(seconds=15)
    """How long the whole log-in may take, and how long a run waits for a free session."""
    call_timeout: Wait = timedelta(minutes=5)
    """How long each round trip may take; the first of a query holds all sorting."""
    fetch_rows: Annotated[int, Field(ge=1, le=100_000)] = 16_000
    """Rows that one round trip brings at most."""
    range_rows: Annotated[int, Field(ge=1)] = 20_000
    """What one reader reads of a table has at least so many rows."""
    trim_char: bool = True
    """CHAR and NCHAR without the blanks that fill them up."""
    raw: Literal["base64", "hex"] = "base64"
    """How RAW stands in documents."""
    lob_limit: Annotated[int, Field(ge=1)] = 10_000_000
    """Characters of a CLOB (supplementary ones count twice), or bytes of a BLOB, that a document may hold."""
    lob_over: Literal["refuse", "truncate"] = "refuse"
    """What becomes of a row with a longer one: a dead letter, or a CLOB is cut. A BLOB never is."""
    lob_rows: Annotated[int, Field(ge=1)] = 20
    """Rows that one round trip brings where there are LOBs: so many times `lob_limit` may be in memory."""
    clock_margin: Duration = timedelta(seconds=1)
    """How far behind the server's clock a watermark may be that is written now."""
    timezone: Zone | None = None
    """The zone of watermarks that name none. Default: that of the server's SYSDATE."""

    @model_validator(mode="after")
    def _one_mode(self) -> Self:
        if self.thick_lib_dir and not self.thick:
            raise ValueError("thick_lib_dir: it has a meaning only with `thick = true`")
        return self
