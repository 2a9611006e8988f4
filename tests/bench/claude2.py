"""Tokens as Claude 2 counted them, by the last tokenizer that Anthropic has published: in the wheel of its SDK 0.34.2.

Its vocabulary is fetched with pip, once, into an ignored folder of the checkout, and asked in a process of its own.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_CACHE = Path(__file__).resolve().parents[2] / ".cache" / "claude2"
_PACKAGES = ("anthropic==0.34.2", "tokenizers==0.23.3")
_SECONDS = 300
_COUNT = """
import json, pathlib, sys
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_str(pathlib.Path(sys.argv[1], "anthropic", "tokenizer.json").read_text())
json.dump([len(tokenizer.encode(text).ids) for text in json.load(sys.stdin)], sys.stdout)
"""


class CannotCount(Exception):
    """The tokenizer cannot be had; the message says why."""


def tokens(texts: Sequence[str]) -> list[int]:
    """Of each text."""
    folder = _installed()
    asked = [sys.executable, "-c", _COUNT, str(folder)]
    ran = subprocess.run(
        asked, input=json.dumps(texts), env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if ran.returncode != 0:
        raise CannotCount(ran.stderr.strip().rpartition("\n")[2])
    return [int(each) for each in json.loads(ran.stdout)]


def _installed() -> Path:
    folder = _CACHE / "-".join(_PACKAGES)
    if not folder.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as name:
            made = Path(name, "made")
            install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(made)]
            ran = subprocess.run([*install, *_PACKAGES], capture_output=True, text=True, timeout=_SECONDS, check=False)
            if ran.returncode != 0:
                raise CannotCount(f"pip cannot fetch {' '.join(_PACKAGES)}: {ran.stderr.strip().rpartition(chr(10))[2]}")
            made.rename(folder)
    return folder
