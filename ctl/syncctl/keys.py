"""What a terminal sends when somebody presses keys, by name."""

import re

_NAMES = {
    "\x1b[A": "up",
    "\x1bOA": "up",
    "k": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "j": "down",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    " ": "page down",
    "\x1b[H": "first",
    "\x1bOH": "first",
    "\x1b[1~": "first",
    "g": "first",
    "\x1b[F": "last",
    "\x1bOF": "last",
    "\x1b[4~": "last",
    "G": "last",
    "\r": "enter",
    "\n": "enter",
    "\x1b": "escape",
}
_KEY = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z~]|O[A-Za-z])|.", re.DOTALL)


def named(raw: str) -> list[str]:
    """Keys in order: `up`, `page down`, `enter`, `escape`; a letter that has no other name is itself."""
    return [_NAMES.get(key, key) for key in _KEY.findall(raw)]
