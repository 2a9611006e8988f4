"""Many writers at once: `python -m tests.system.writers DSN WRITERS SECONDS SEED`.

Each has a session and rows of its own. It writes some rows with the date of the moment, waits a random while, and only then commits.
"""

import os
import random
import sys
import threading
import time

import oracledb

_PASSWORD = "SYNCD_PASSWORD"
_ROWS = 20
"""Of each writer."""
_LONGEST = 6.0
"""Seconds from the first change of a transaction to its commit."""


def write(dsn: str, number: int, until: float, draw: random.Random) -> int:
    """Change rows in transactions of random length, one of them at least; how many were committed."""
    committed = 0
    with oracledb.connect(user="syncd", password=os.environ[_PASSWORD], dsn=dsn) as connection, connection.cursor() as cursor:
        while time.monotonic() < until or not committed:
            for _ in range(draw.randint(1, 3)):
                row = number * _ROWS + draw.randrange(_ROWS)
                cursor.execute(
                    "UPDATE EVENTS SET NAME = :1, MODIFIED_DATE = SYS_EXTRACT_UTC(SYSTIMESTAMP) WHERE ID = :2", [f"{draw.random()}", row]
                )
                if not cursor.rowcount:
                    cursor.execute("INSERT INTO EVENTS VALUES (:1, :2, SYS_EXTRACT_UTC(SYSTIMESTAMP))", [row, f"{draw.random()}"])
                time.sleep(draw.uniform(0, 0.2))
            time.sleep(draw.uniform(0, 1) ** 2 * _LONGEST)
            if draw.random() < 0.1:
                connection.rollback()
            else:
                connection.commit()
                committed += 1
    return committed


def main(dsn: str, writers: int, seconds: float, seed: int) -> None:
    oracledb.enable_thin_mode()  # type: ignore[no-untyped-call]
    until = time.monotonic() + seconds
    committed = [0] * writers

    def run(number: int) -> None:
        committed[number] = write(dsn, number, until, random.Random(seed * 1000 + number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sum(committed), min(committed))  # noqa: T201 - for who started it


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
