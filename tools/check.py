"""All rules that a machine can check: `python -m tools.check [NAME …]`. Every check runs, also after one has failed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TOOLS = Path(sys.executable).parent

CHECKS: dict[str, tuple[str, ...]] = {
    "format": ("ruff", "format", "--check", "."),
    "lint": ("ruff", "check", "--no-cache", "."),
    "types": ("mypy", "-p", "syncd", "-p", "syncctl", "-p", "demo", "-p", "tools", "-p", "tests"),
    "layers": ("lint-imports",),
    "sizes": ("python", "-m", "tools.sizes"),
    "wire-style": ("buf", "lint", "proto"),
    "wire-promises": ("buf", "breaking", "proto", "--against", "proto/released.binpb"),
}


def check(name: str) -> subprocess.CompletedProcess[str]:
    """Run one check with the tools of this environment; its output tells what to mend."""
    program, *arguments = CHECKS[name]
    environment = os.environ | {"PATH": f"{_TOOLS}{os.pathsep}{os.environ['PATH']}", "MYPYPATH": str(ROOT)}
    command = [str(_TOOLS / program), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def main(names: list[str]) -> int:
    failed = 0
    for name in names or CHECKS:
        result = check(name)
        print(f"{name}: {'FAILED' if result.returncode else 'ok'}")
        if result.returncode:
            failed += 1
            print(result.stdout)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
