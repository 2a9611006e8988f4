"""Running the programs of others."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
API = ROOT / "examples" / "api"
PROTO = ROOT / "proto"
SECONDS = 50


def printed(command: list[str], folder: Path = ROOT) -> str:
    """What a program prints that has to end well."""
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ran.returncode == 0, f"{command}: {ran.stderr}"
    return ran.stdout


def first(command: list[str], wanted: int) -> list[Any]:
    """The first JSON values that a program prints which goes on for ever."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = [value for value, _ in zip(values(process.stdout), range(wanted), strict=False)]
        process.kill()
    return found


def values(lines: Iterator[str]) -> Iterator[Any]:
    """JSON values, each as soon as it is complete; they may span lines."""
    text = ""
    for line in lines:
        text += line
        try:
            value = json.loads(text)
        except ValueError:
            continue
        text = ""
        yield value
