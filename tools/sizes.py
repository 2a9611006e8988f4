"""The limits of modules and functions: `python -m tools.sizes` names what is too large."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("daemon", "ctl", "demo", "tools")

MODULE_LINES = 400
FUNCTION_LINES = 40
OWN_IMPORTS = 12

_OWN = ("syncd", "syncctl", "syncapi")
_KNOWS_ALL = "app.py"
"""The composition root imports every room of the house."""


def oversized(root: Path = ROOT) -> Iterator[str]:
    """Yield one line for each thing that is too large, generated code excepted."""
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py")):
        if "_pb2" not in path.name:
            yield from _of_module(path, path.relative_to(root).as_posix())


def _of_module(path: Path, name: str) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    if (lines := len(text.splitlines())) > MODULE_LINES:
        yield f"{name}: {lines} lines; a module has at most {MODULE_LINES}"
    if path.name != _KNOWS_ALL and (imports := len(_own_imports(tree))) > OWN_IMPORTS:
        yield f"{name}: imports {imports} modules of our own; at most {OWN_IMPORTS}"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (lines := _lines(node)) > FUNCTION_LINES:
            yield f"{name}:{node.lineno}: {node.name} has {lines} lines; a function has at most {FUNCTION_LINES} beside its docstring"


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = function.body[0] if ast.get_docstring(function, clean=False) is not None else None
    told = (docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - told


def _own_imports(tree: ast.Module) -> set[str]:
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return {name for name in imported if name.split(".")[0] in _OWN}


if __name__ == "__main__":
    found = list(oversized())
    sys.stdout.writelines(f"{line}\n" for line in found)
    sys.exit(1 if found else 0)
