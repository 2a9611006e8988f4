"""What one call of the program was told by its global options."""

from dataclasses import dataclass


@dataclass(slots=True)
class Session:
    """What the global options say; one for each call of the program."""

    address: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    output: str = "table"
    debug: bool = False

    @property
    def for_people(self) -> bool:
        return self.output == "table"
