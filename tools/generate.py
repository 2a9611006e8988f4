"""Generate the wire from `proto/syncapi/v1/*.proto`: `python -m tools.generate [FOLDER]`, by default in place."""

import sys
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent / "proto"


def inputs() -> list[str]:
    """What `protoc` is told to read: our definitions, and where to find those that they import."""
    import grpc_tools  # noqa: PLC0415 - only for the place of its own .proto files

    well_known = Path(grpc_tools.__file__).parent / "_proto"
    return [f"-I{ROOT}", f"-I{well_known}", *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("syncapi/v1/*.proto")))]


def generate(into: Path) -> None:
    """Write messages, services and their stubs below `into`. Raises `SystemExit` if a file does not compile."""
    kinds = [f"--{kind}={into}" for kind in ("python_out", "mypy_out", "grpc_python_out", "mypy_grpc_out")]
    if status := protoc.main(["protoc", *kinds, *inputs()]):
        raise SystemExit(status)


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
