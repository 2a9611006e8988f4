from pathlib import Path

import pytest
from pydantic import ValidationError

from syncd.domain.errors import BadCredentials
from syncd.settings.secret import Secret, SecretReference
from syncd.settings.section import Section


class Login(Section):
    key: Secret


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "hunter2")

    assert SecretReference(env="THE_KEY").reveal() == "hunter2"


def test_a_secret_comes_from_a_file_without_its_last_newline(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2\n")

    login = Login.model_validate({"key": {"file": "key"}}, context={"base": tmp_path})

    assert login.key.reveal() == "hunter2"


def test_a_secret_comes_from_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("hunter2")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))

    assert SecretReference(credential="key").reveal() == "hunter2"


def test_a_secret_is_read_anew_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = SecretReference(env="THE_KEY")
    monkeypatch.setenv("THE_KEY", "old")
    reference.reveal()

    monkeypatch.setenv("THE_KEY", "new")

    assert reference.reveal() == "new"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_missing_or_empty_is_named(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THE_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("THE_KEY", value)

    with pytest.raises(BadCredentials, match="THE_KEY is not set, or empty"):
        SecretReference(env="THE_KEY").reveal()


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadCredentials, match=r"missing cannot be read: No such file"):
        SecretReference(file=tmp_path / "missing").reveal()


def test_a_literal_secret_is_refused_and_stands_in_no_message() -> None:
    with pytest.raises(ValidationError) as caught:
        Login.model_validate({"key": "hunter2"})

    assert "hunter2" not in str(caught.value)
    assert "never written into the settings" in str(caught.value)


def test_a_reference_never_prints_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "hunter2")
    login = Login(key=SecretReference(env="THE_KEY"))

    login.key.reveal()

    assert "hunter2" not in f"{login!r} {login} {login.model_dump_json()}"
