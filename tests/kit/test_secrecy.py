import pytest

from syncd.kit.secrecy import sounds_secret, without_login


@pytest.mark.parametrize(
    "name", ["key", "api_key", "apikey", "masterKey", "PASSWORD", "db-passwd", "x.token", "AuthToken", "credentials", "DSN"]
)
def test_a_name_of_a_secret_is_known(name: str) -> None:
    assert sounds_secret(name)


@pytest.mark.parametrize("name", ["", "monkey", "keyspace", "key_columns", "tokenizer", "path", "turkey"])
def test_a_harmless_name_is_not_taken_for_one(name: str) -> None:
    assert not sounds_secret(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://ada:pw@db:1/x", "http://•••@db:1/x"),
        ("see postgres://ada@db, or http://b:c@d", "see postgres://•••@db, or http://•••@d"),
        ("http://db/a@b", "http://db/a@b"),
        ("ada@example.org", "ada@example.org"),
    ],
)
def test_only_the_login_of_an_url_is_hidden(text: str, expected: str) -> None:
    assert without_login(text) == expected
