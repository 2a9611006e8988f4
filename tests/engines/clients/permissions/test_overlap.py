"""What subjects of permissions have to do with each other and with acts."""

import pytest

from syncd.domain.permission import Subject
from syncd.engines.clients.permissions.overlap import covers, matches, overlap
from tests.engines.clients.permissions.witnesses import SUBJECTS, WITNESSES


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        pytest.param("./.env", ".env", True, id="in the project"),
        pytest.param("./.env", "src/.env", False, id="only there"),
        pytest.param(".env", "src/.env", True, id="a bare name is at any depth"),
        pytest.param("/src/**", "src/a/b.py", True, id="a slash is the project"),
        pytest.param("/etc/**", "/etc/passwd", False, id="a slash is not the machine"),
        pytest.param("//etc/**", "/etc/passwd", True, id="two slashes are the machine"),
        pytest.param("~/.ssh/**", "~/.ssh/id", True, id="home"),
        pytest.param("~/.ssh/**", ".ssh/id", False, id="the project is not home"),
        pytest.param("src/*.py", "src/a.py", True, id="a star"),
        pytest.param("src/*.py", "src/a/b.py", False, id="a star is one name"),
        pytest.param("src/**/*.py", "src/a/b/c.py", True, id="two stars are many"),
        pytest.param("src/**/*.py", "src/c.py", True, id="or none"),
        pytest.param("secrets/", "a/secrets/b/c", True, id="a folder is what is in it"),
        pytest.param("*.pem", "a/b.pem", True, id="an ending"),
        pytest.param("src/**", "src/../.env", False, id="a path is where it leads to"),
        pytest.param("src/**", "../x", None, id="outside is unknown"),
        pytest.param("!x", "y", None, id="an exception is not understood"),
        pytest.param("{a,b}", "a", None, id="nor are alternatives"),
    ],
)
def test_a_path_fits_its_pattern(pattern: str, path: str, fits: bool | None) -> None:
    assert matches(Subject("read", "path", pattern), path) is fits


@pytest.mark.parametrize(
    ("one", "other", "meets"),
    [
        pytest.param("shell prefix git", "shell exact git status", True, id="a prefix and one of its commands"),
        pytest.param("shell prefix git", "shell prefix git push", True, id="a prefix of a prefix"),
        pytest.param("shell prefix git", "shell prefix github", False, id="other words"),
        pytest.param("shell prefix git push", "shell prefix git pull", False, id="other second words"),
        pytest.param("shell glob *--force", "shell prefix git", True, id="a gap before"),
        pytest.param("shell glob github*", "shell prefix git", False, id="a glob beside a prefix"),
        pytest.param("shell glob *a", "shell glob *b", False, id="other ends"),
        pytest.param("shell regex ^rm .*$", "shell prefix git", False, id="a regular expression that begins otherwise"),
        pytest.param("shell regex (rm|git) x", "shell prefix git", True, id="a regular expression that is not looked into"),
        pytest.param("shell regex rm|git", "shell prefix git", True, id="alternatives"),
        pytest.param("shell regex [x", "shell prefix git", True, id="a bad regular expression"),
        pytest.param("shell glob curl * | sh", "shell exact ls", True, id="whole lines have any command"),
        pytest.param("shell", "shell exact ls", True, id="all of a tool"),
        pytest.param("shell", "read", False, id="other tools"),
        pytest.param("default", "read", True, id="the rest may be anything"),
        pytest.param("mcp server a", "mcp tool a/b", True, id="a tool of the server"),
        pytest.param("mcp server a", "mcp tool ab/b", False, id="a tool of another"),
        pytest.param("fetch domain a.b", "fetch domain *.b", True, id="a host of a domain"),
        pytest.param("read path src/**", "read path *.py", True, id="a folder and an ending"),
        pytest.param("read path src/**", "read path docs/*.py", False, id="other folders"),
        pytest.param("read path ~/x", "read path //etc", True, id="home may be anywhere"),
        pytest.param("read path src/*.py", "read path src/*.md", True, id="two stars are not compared"),
    ],
)
def test_subjects_that_may_be_about_one_act_overlap(one: str, other: str, meets: bool) -> None:
    assert overlap(Subject.parse(one), Subject.parse(other)) is meets
    assert overlap(Subject.parse(other), Subject.parse(one)) is meets


@pytest.mark.parametrize("wide", SUBJECTS)
def test_what_covers_a_subject_fits_every_act_that_it_fits(wide: str) -> None:
    own = Subject.parse(wide)

    broken = [
        (narrow, act)
        for narrow in map(Subject.parse, SUBJECTS)
        if covers(own, narrow)
        for act in WITNESSES
        if act.tool == own.tool == narrow.tool and matches(narrow, act.text) and not matches(own, act.text)
    ]

    assert broken == []


@pytest.mark.parametrize("one", SUBJECTS)
def test_subjects_that_fit_one_act_overlap(one: str) -> None:
    own = Subject.parse(one)

    broken = [
        (other, act)
        for other in map(Subject.parse, SUBJECTS)
        if not overlap(own, other)
        for act in WITNESSES
        if act.tool == own.tool == other.tool and matches(own, act.text) and matches(other, act.text) is not False
    ]

    assert broken == []
