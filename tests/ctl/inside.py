"""`syncctl` without a process of its own: the same program from its first line to its exit code, for a tenth of the time."""

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from syncctl.__main__ import main


@dataclass(frozen=True)
class Said:
    """What stood in the two pipes at the end."""

    code: int
    raw: bytes
    """Standard output as bytes."""
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()


@dataclass(frozen=True)
class InsideCtl:
    """Runs the client against one daemon."""

    socket: Path

    def __call__(self, *args: str) -> Said:
        out, err = io.BytesIO(), io.BytesIO()
        with pytest.MonkeyPatch.context() as here:
            here.setenv("SYNCD_ADDRESS", f"unix:{self.socket}")
            here.setenv("GRPC_VERBOSITY", "NONE")
            here.setattr(sys, "argv", ["syncctl", *args])
            here.setattr(sys, "excepthook", sys.excepthook)
            here.setattr(sys, "stdout", io.TextIOWrapper(out, "utf-8", write_through=True))
            here.setattr(sys, "stderr", io.TextIOWrapper(err, "utf-8", write_through=True))
            code = main()
            return Said(code, out.getvalue(), err.getvalue().decode())
