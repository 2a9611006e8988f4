"""What the server says that it is: an Oracle of today, or one of 2019 that needs more round trips."""

from dataclasses import dataclass

from tests.servers.oracle.primitives import counted

CHARSET = 873
"""AL32UTF8."""
NATIONAL = 2000
"""AL16UTF16."""
_COMPILE_CAPS, _RUNTIME_CAPS = 53, 11
_FIELD_VERSION, _LONG_STRINGS = 7, 6


@dataclass(frozen=True, slots=True)
class Flavour:
    """How a version of the server differs from others on the wire."""

    version: tuple[int, int, int, int, int]
    banner: str
    protocol: int
    fields: int
    """The version of the messages' fields: 12 is 19c, 24 is 23ai."""
    flags: int
    """Of the ACCEPT packet: fast authentication, end of response."""

    @property
    def marks_the_end(self) -> bool:
        """Whether each response ends with a mark."""
        return bool(self.flags & 0x02000000)

    @property
    def version_number(self) -> int:
        major, minor, update, port, patch = self.version
        return major << 24 | minor << 16 | update << 12 | port << 4 | patch

    def protocol_message(self) -> bytes:
        """The answer to the first negotiation."""
        compile_caps = bytearray(_COMPILE_CAPS)
        compile_caps[_FIELD_VERSION] = self.fields
        runtime_caps = bytearray(_RUNTIME_CAPS)
        runtime_caps[_LONG_STRINGS] = 0x04
        national = bytes(9) + NATIONAL.to_bytes(2, "big")
        return (
            b"\x01\x06\x00"
            + self.banner.encode()
            + b"\0"
            + CHARSET.to_bytes(2, "little")
            + b"\x01\0\0"
            + len(national).to_bytes(2, "big")
            + national
            + counted(bytes(compile_caps))
            + counted(bytes(runtime_caps))
        )


FLAVOURS = {
    19: Flavour((19, 3, 0, 0, 0), "x86_64/Linux 2.4.xx", 318, 12, 0),
    23: Flavour((23, 4, 0, 24, 5), "x86_64/Linux 2.4.xx", 319, 24, 0x12000000),
}
"""Versions that the server can pretend to be."""
