"""Running the programs of others."""

import json
import os
import subprocess
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

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
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        found = list(islice(values(pieces(process.stdout)), wanted))
        process.kill()
    return found


def pieces(pipe: IO[bytes]) -> Iterator[str]:
    """What comes out of a pipe, as soon as it does: the end of a line may come much later."""
    decoder = getincrementaldecoder("utf-8")()
    while piece := os.read(pipe.fileno(), 1 << 16):
        yield decoder.decode(piece)


def values(texts: Iterable[str]) -> Iterator[Any]:
    """JSON objects, each as soon as it is complete."""
    text = ""
    for piece in texts:
        text = (text + piece).lstrip()
        while text:
            try:
                value, end = json.JSONDecoder().raw_decode(text)
            except ValueError:
                break
            text = text[end:].lstrip()
            yield value
