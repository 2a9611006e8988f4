"""The manual page says what the commands say, and roff can read it."""

import shutil
import subprocess

import pytest

from tools.man_page import PAGE, page

READERS = [reader for reader in ("groff", "mandoc") if shutil.which(reader)]
WARNINGS = {"groff": ["groff", "-man", "-ww", "-Tutf8", "-z"], "mandoc": ["mandoc", "-T", "lint", "-W", "warning"]}


def test_the_manual_page_is_what_the_commands_say() -> None:
    assert PAGE.read_text() == page(), "run `make proto`"


@pytest.mark.parametrize("reader", READERS)
def test_the_manual_page_is_read_without_a_warning(reader: str) -> None:
    done = subprocess.run([*WARNINGS[reader], PAGE], capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("text", ["syncctl dead\\-letters list [SYNC]", '.SH "EXIT STATUS"', "SYNCD_TOKEN", "\\fB124\\fR"])
def test_the_manual_page_tells_of(text: str) -> None:
    assert text in PAGE.read_text()
