"""`python -m tests.bench [NAME…]`: measure what was promised, print tables, exit 1 if a bar is missed."""

import argparse
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from tests.bench.report import machine

BENCHES = ("throughput", "latency", "memory", "scale", "oracle", "clients", "metadata", "streams", "audit", "ctl")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure what was promised.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which benches; default: all of {', '.join(BENCHES)}")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(BENCHES):
        parser.error(f"there are the benches {', '.join(BENCHES)}, not {', '.join(sorted(unknown))}")
    print(machine(), flush=True)
    missed = False
    for name in arguments.names or BENCHES:
        with tempfile.TemporaryDirectory(prefix=f"syncd-bench-{name}-") as folder:
            report = import_module(f"tests.bench.{name}").bench(Path(folder))
        print(report, flush=True)
        missed = missed or report.missed
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
