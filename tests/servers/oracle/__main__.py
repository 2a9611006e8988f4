"""Run the stand-in server by hand: `python -m tests.servers.oracle --port 1521`."""

import argparse
import signal
from pathlib import Path

from tests.servers.oracle.caps import FLAVOURS
from tests.servers.oracle.database import Database
from tests.servers.oracle.server import Server


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.servers.oracle", description="A stand-in for an Oracle database.")
    parser.add_argument("--port", type=int, default=1521)
    parser.add_argument("--user", default="syncd")
    parser.add_argument("--password", default="secret")
    parser.add_argument("--service", default="FREEPDB1")
    parser.add_argument("--flavour", type=int, choices=sorted(FLAVOURS), default=23, help="the version that it pretends to be")
    parser.add_argument("--database", type=Path, help="a file that keeps the tables; without one they live in memory")
    asked = parser.parse_args()
    database = Database(asked.database)
    users = {asked.user: asked.password}
    with Server(database, users=users, service=asked.service, flavour=asked.flavour, port=asked.port) as server:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        print(f"ready: {asked.user}@{server.dsn}", flush=True)  # noqa: T201 - this is how the caller learns that it may connect
        try:
            signal.pause()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
