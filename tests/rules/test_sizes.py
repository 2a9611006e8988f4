from collections.abc import Callable
from pathlib import Path

import pytest

from tools.sizes import oversized

Write = Callable[[str, str], list[str]]


@pytest.fixture
def sizes(tmp_path: Path) -> Write:
    """Writes one module into a checkout and answers what is too large there."""

    def write(name: str, text: str) -> list[str]:
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
        return list(oversized(tmp_path))

    return write


def test_nothing_of_ours_is_too_large() -> None:
    assert list(oversized()) == []


def test_a_module_that_is_too_long_is_told(sizes: Write) -> None:
    assert sizes("daemon/syncd/x.py", "x = 1\n" * 401) == ["daemon/syncd/x.py: 401 lines; a module has at most 400"]


def test_a_module_may_fill_its_limit(sizes: Write) -> None:
    assert sizes("daemon/syncd/x.py", "x = 1\n" * 400) == []


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_function_that_is_too_long_is_told(sizes: Write, kind: str) -> None:
    found = sizes("ctl/syncctl/x.py", _method(kind, 40))

    assert found == ["ctl/syncctl/x.py:2: f has 41 lines; a function has at most 40 beside its docstring"]


def test_a_docstring_does_not_count(sizes: Write) -> None:
    assert sizes("ctl/syncctl/x.py", _method("def", 39, '        """One.\n\n        Two.\n        """\n')) == []


def test_a_module_that_imports_too_much_of_ours_is_told(sizes: Write) -> None:
    found = sizes("daemon/syncd/x.py", "import json\n" + "".join(f"from syncd.a{number} import b\n" for number in range(13)))

    assert found == ["daemon/syncd/x.py: imports 13 modules of our own; at most 12"]


def test_the_composition_root_may_import_everything(sizes: Write) -> None:
    assert sizes("daemon/syncd/app.py", "".join(f"from syncd.a{number} import b\n" for number in range(13))) == []


def test_generated_code_may_be_long(sizes: Write) -> None:
    assert sizes("daemon/syncd/x_pb2.py", "x = 1\n" * 401) == []


def _method(kind: str, lines: int, docstring: str = "") -> str:
    return f"class A:\n    {kind} f(self):\n{docstring}" + "        pass\n" * lines
