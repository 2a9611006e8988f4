"""An asynchronous generator that is left before its end goes on working, at some later time, unless who uses it closes it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def unclosed(text: str) -> Iterator[int]:
    """Lines of the `async for` statements over a call: nobody can close what has no name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.AsyncFor) and isinstance(node.iter, ast.Call):
            yield node.lineno


def test_every_generator_that_is_iterated_over_is_closed_by_who_does_it() -> None:
    found = [f"{path.relative_to(ROOT)}:{line}" for path in (ROOT / "daemon").rglob("*.py") for line in unclosed(path.read_text())]

    assert found == []


def test_one_without_a_name_is_found() -> None:
    text = "async def f():\n    async for a in b():\n        await c(a)\n    async for a in b:\n        await c(a)\n"

    assert list(unclosed(text)) == [2]
