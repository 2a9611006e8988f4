import os
from pathlib import Path

import pytest

from syncd.ports.connecting import Connector
from syncd.settings.load import load
from syncd.settings.problem import SettingsInvalid
from tests.settings.world import World, Written

SHOP = '[connections.shop]\nkind = "file"\npath = "x"\n[connections.index]\nkind = "server"\nurl = "u"\n'
SYNC = SHOP + '[syncs.products]\nengine = "copy"\nsource = { connection = "shop" }\n'


def test_all_problems_are_told_at_once_with_file_place_and_way_out(written: Written) -> None:
    written.main(f'{SYNC}every = 0\nbatchsize = 5\ndrfit = "halt"')

    with pytest.raises(SettingsInvalid) as caught:
        written.load()

    assert caught.value.code == "settings.invalid"
    assert str(caught.value) == (
        f"{written.file}: 3 problems\n"
        "  syncs.products.every: must be greater than 0 (got 0)\n"
        "  syncs.products.batchsize: no such setting\n"
        "  syncs.products.drfit: no such setting; did you mean 'drift'?"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            'source.connectoin = "x"', "syncs.products.source.connectoin: no such setting; did you mean 'connection'?", id="a typo inside"
        ),
        pytest.param("source = 3", "syncs.products.source: expected a table (got 3)", id="a number for a table"),
        pytest.param("", "syncs.products.source: is required", id="nothing where something is required"),
        pytest.param(
            'every = "5 parsecs"',
            "syncs.products.every: expected a duration such as '30s', '5m' or '1h30m', got '5 parsecs'",
            id="no duration",
        ),
        pytest.param("every = []", "syncs.products.every: expected a duration such as '30s' (got a list)", id="a list for a duration"),
        pytest.param('every = "-5m"', "syncs.products.every: expected a duration", id="a negative duration"),
        pytest.param('cron = "0 25 * * *"', "syncs.products.cron: hour: expected 0 to 23", id="no such hour"),
        pytest.param('cron = "0 0 30 2 *"', "syncs.products.cron: there is no such day (got '0 0 30 2 *')", id="no such day"),
        pytest.param(
            'timezone = "Asia/Seol"',
            "syncs.products.timezone: no such time zone; did you mean 'Asia/Seoul'? (got 'Asia/Seol')",
            id="no such zone",
        ),
        pytest.param('timezone = "Asia"', "syncs.products.timezone: no such time zone", id="a folder of zones"),
        pytest.param('timezone = "../etc"', "syncs.products.timezone: no such time zone", id="a path for a zone"),
        pytest.param(
            'every = "1m"\nmanual = true', "syncs.products: expected one schedule, found 'every' and 'manual'", id="two schedules"
        ),
        pytest.param(
            'every = "1m"\ncron = "0 0 * * *"', "syncs.products: expected one schedule, found 'every' and 'cron'", id="two others"
        ),
        pytest.param(
            'drift = "evolv"',
            "syncs.products.drift: expected 'evolve' or 'halt'; did you mean 'evolve'? (got 'evolv')",
            id="no such choice",
        ),
        pytest.param(
            'retry = { attempts = "many" }', "syncs.products.retry.attempts: expected a whole number (got 'many')", id="text for a number"
        ),
        pytest.param("retry = { attempts = 2.5 }", "syncs.products.retry.attempts: expected a whole number (got 2.5)", id="half a number"),
        pytest.param("retry = { attempts = 0 }", "syncs.products.retry.attempts: must be at least 1 (got 0)", id="too small"),
        pytest.param(
            'retry = { first = "2m" }', "syncs.products.retry: expected 'most' to be at least as long as 'first'", id="two that disagree"
        ),
        pytest.param('manual = "perhaps"', "syncs.products.manual: expected true or false (got 'perhaps')", id="text for a switch"),
        pytest.param('renamed = "x"', "syncs.products.renamed: expected a table (got 'x')", id="text for a table"),
        pytest.param("renamed = { a = 1 }", "syncs.products.renamed.a: expected text (got 1)", id="a number among texts"),
        pytest.param('renamed = { "a b" = 1 }', "syncs.products.renamed.'a b': expected text (got 1)", id="a key that wants quotes"),
        pytest.param("steps = [{}]", "syncs.products.steps[0].connection: is required", id="inside of a list"),
        pytest.param("sample = 3", "syncs.products.sample: expected a table (got 3)", id="neither of two forms"),
        pytest.param("sample = [{}]", "syncs.products.sample[0].connection: is required", id="inside of one of two forms"),
        pytest.param("at = 2026-01-02", "syncs.products.at: no such setting", id="a date where nothing is known"),
        pytest.param("drift = 2026-01-02", "syncs.products.drift: expected 'evolve' or 'halt' (got 2026-01-02)", id="a date for a word"),
        pytest.param(
            f'drift = "{"x" * 61}"', "syncs.products.drift: expected 'evolve' or 'halt' (got a text of 61 characters)", id="a long text"
        ),
    ],
)
def test_a_wrong_value_is_told_in_words_for_people(written: Written, text: str, expected: str) -> None:
    source = "" if text.startswith("source") or not text else 'source = { connection = "shop" }\n'
    written.main(f'{SHOP}[syncs.products]\nengine = "copy"\n{source}{text}')

    texts = written.texts()

    assert any(text.startswith(expected) for text in texts), texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("[deamon]\nx = 1", "deamon: no such setting; did you mean 'daemon'?", id="a typo at the top"),
        pytest.param("daemon = 3", "daemon: expected a table (got 3)", id="no table"),
        pytest.param("[daemon]\nconcurrency = 0", "daemon.concurrency: must be at least 1 (got 0)", id="no room for runs"),
        pytest.param(
            '[daemon]\nlog_level = "inof"',
            "daemon.log_level: expected 'debug', 'info', 'warning' or 'error'; did you mean 'info'?",
            id="no level",
        ),
        pytest.param(
            "[daemon]\nretry = { atempts = 1 }", "daemon.retry.atempts: no such setting; did you mean 'attempts'?", id="below the daemon"
        ),
        pytest.param('[listen]\nsocket = "x"', "listen: expected one or more tables '[[listen]]' (got a table)", id="one pair of brackets"),
        pytest.param("listen = [3]", "listen[0]: expected a table (got 3)", id="a number among tables"),
        pytest.param(
            '[[listen]]\nsocket = "a"\n[[listen]]\nsokket = "b"',
            "listen[1].sokket: no such setting; did you mean 'socket'?",
            id="a second one",
        ),
        pytest.param(
            f'[[listen]]\nsocket = "/{"s" * 107}"', "listen[0].socket: the path of a socket has at most 107 bytes", id="a long socket path"
        ),
        pytest.param(
            f'[[listen]]\nsocket = "/{"é" * 54}"', "listen[0].socket: the path of a socket has at most 107 bytes", id="bytes, not letters"
        ),
        pytest.param(
            '[[listen]]\nsocket = "/a"\n[[listen]]\nsocket = "/a"',
            "listen[1].socket: is another listener's already (got '/a')",
            id="one socket twice",
        ),
        pytest.param("[[listen]]", "listen[0]: expected exactly one of 'socket' and 'address'", id="neither socket nor address"),
        pytest.param(
            '[[listen]]\nsocket = "a"\naddress = "127.0.0.1:1"', "listen[0]: expected exactly one of 'socket' and 'address'", id="both"
        ),
        pytest.param(
            '[[listen]]\naddress = "0.0.0.0:7443"',
            "listen[0]: other machines can reach 0.0.0.0:7443, and without TLS whoever is on the way reads the tokens; "
            "add '[listen.tls]' with 'cert' and 'key', or use 127.0.0.1 or [::1]",
            id="in the clear over a network",
        ),
        pytest.param(
            '[[listen]]\naddress = "syncd.example:7443"',
            "listen[0].address: expected an IP address or 'localhost' before the port, got 'syncd.example'",
            id="a name that somebody else may lead elsewhere",
        ),
        pytest.param('[[listen]]\naddress = "7443"', "listen[0].address: expected HOST:PORT", id="a port alone"),
        pytest.param(
            '[[listen]]\naddress = "[::1]:1"\n[[listen]]\naddress = "[::1]:1"',
            "listen[1].address: is another listener's already (got '[::1]:1')",
            id="one address twice",
        ),
        pytest.param(
            '[[listen]]\nsocket = "a"\ntls = { cert = "c", key = "k" }',
            "listen[0]: 'tls' goes with 'address': a UNIX socket does not leave this machine",
            id="TLS on a UNIX socket",
        ),
        pytest.param('[[listen]]\naddress = "127.0.0.1:1"\ngroup = "root"', "listen[0]: 'group' goes with 'socket'", id="a group over TCP"),
        pytest.param('[[listen]]\naddress = "10.0.0.1:1"\ntls = { cert = "c" }', "listen[0].tls.key: is required", id="no key"),
        pytest.param('[daemon.access]\nadmins = ["cert:"]', "daemon.access.admins[0]: expected a name behind 'cert:'", id="no certificate"),
        pytest.param("connections = 3", "connections: expected tables '[connections.NAME]' (got 3)", id="connections are tables"),
        pytest.param("[syncs]\nengine = 'copy'", "syncs.engine: expected a table (got 'copy')", id="a sync without a name"),
        pytest.param('[connections.x]\npath = "p"', "connections.x.kind: is required; there are: both, file, oracle, server", id="no kind"),
        pytest.param(
            '[connections.x]\nkind = "flie"', "connections.x.kind: no such kind; did you mean 'file'? (got 'flie')", id="a typo in a kind"
        ),
        pytest.param(
            '[connections.x]\nkind = "mongo"',
            "connections.x.kind: no such kind; there are: both, file, oracle, server (got 'mongo')",
            id="no such kind",
        ),
        pytest.param("[connections.x]\nkind = 3", "connections.x.kind: expected text (got 3)", id="a number for a kind"),
        pytest.param(
            '[connections.x]\nkind = "oracle"',
            "connections.x.kind: 'oracle' needs a package that is not installed (No module named 'oracledb'): "
            'pip install "syncd[oracle]"',
            id="a driver is missing",
        ),
        pytest.param('[connections.x]\nkind = "file"\npath = 3', "connections.x.path: expected a path (got 3)", id="a number for a path"),
        pytest.param(
            '[connections.x]\nkind = "file"\npaht = "x"',
            "connections.x.paht: no such setting; did you mean 'path'?",
            id="a typo in a connection",
        ),
        pytest.param(
            '[connections.x]\nkind = "file"\npath = "x"\nrows = 1001', "connections.x.rows: must be at most 1000 (got 1001)", id="too much"
        ),
        pytest.param(
            '[syncs.x]\nengine = "cpoy"', "syncs.x.engine: no such engine; did you mean 'copy'? (got 'cpoy')", id="no such engine"
        ),
        pytest.param("[syncs.x]\nmanual = true", "syncs.x.engine: is required; there are: copy", id="no engine"),
    ],
)
def test_a_wrong_place_is_told_in_words_for_people(written: Written, text: str, expected: str) -> None:
    texts = written.main(text).texts()

    assert any(found.startswith(expected) for found in texts), texts


@pytest.mark.parametrize("name", ["a b", "-a", "_a", "ä", "a.b", "", "a" * 64, "a/b"])
@pytest.mark.parametrize("group", ["connections", "syncs"])
def test_a_name_that_could_be_mistaken_is_refused(written: Written, group: str, name: str) -> None:
    (text,) = written.main(f"[{group}.'{name}']").texts()

    assert text.endswith("a name has up to 63 letters, digits, '_' and '-', and begins with a letter or digit")


@pytest.mark.parametrize("name", ["a", "7", "A-b_9", "a" * 63])
def test_other_names_are_fine(written: Written, name: str) -> None:
    settings = written.main(f'[connections.{name}]\nkind = "file"\npath = "x"').load()

    assert list(settings.connections) == [name]


class TestConnectionsOfASync:
    def test_one_that_is_not_there_is_told_with_the_one_that_was_meant(self, written: Written) -> None:
        (text,) = written.main(f'{SHOP}[syncs.a]\nengine = "copy"\nsource.connection = "shpo"').texts()

        assert text == "syncs.a.source.connection: no such connection; did you mean 'shop'? (got 'shpo')"

    def test_one_that_resembles_none_is_told_with_all_there_are(self, written: Written) -> None:
        (text,) = written.main(f'{SHOP}[syncs.a]\nengine = "copy"\nsource.connection = "warehouse"').texts()

        assert text == "syncs.a.source.connection: no such connection; there are: index, shop (got 'warehouse')"

    def test_one_that_cannot_be_read_from_is_told_with_the_kinds_that_can(self, written: Written) -> None:
        (text,) = written.main(f'{SHOP}[syncs.a]\nengine = "copy"\nsource.connection = "index"').texts()

        assert text == "syncs.a.source.connection: 'server' cannot be the source of this sync; these kinds can: both, file (got 'index')"

    def test_one_that_cannot_be_written_to_is_told_with_the_kinds_that_can(self, written: Written) -> None:
        (text,) = written.main(f'{SYNC}to = "shop"').texts()

        assert text == "syncs.products.to: 'file' cannot be the target of this sync; these kinds can: both, server (got 'shop')"

    def test_one_that_is_wrong_itself_is_told_once(self, written: Written) -> None:
        (text,) = written.main('[connections.shop]\nkind = "flie"\n[syncs.a]\nengine = "copy"\nsource.connection = "shop"').texts()

        assert text.startswith("connections.shop.kind")


class Broken(World):
    def connector(self, kind: str) -> Connector:
        raise ImportError(f"cannot import name 'x' from 'syncd.connectors.{kind}'", name=f"syncd.connectors.{kind}")


def test_a_plug_in_that_is_broken_itself_is_not_taken_for_a_missing_driver(written: Written) -> None:
    written.main(SHOP)

    with pytest.raises(ImportError, match="cannot import name 'x'"):
        load(written.file, Broken())


def test_an_unknown_mode_is_told_with_the_one_that_was_meant(written: Written) -> None:
    (text,) = written.main(f'{SYNC}mode = "ful"').texts()

    assert text == "syncs.products.mode: no such mode; did you mean 'full'? (got 'ful')"


class TestFiles:
    def test_one_that_is_missing_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsInvalid) as caught:
            load(tmp_path / "no.toml", World())

        assert str(caught.value) == f"{tmp_path}/no.toml: 1 problem\n  cannot be read: No such file or directory"

    def test_a_folder_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsInvalid, match="cannot be read: Is a directory"):
            load(tmp_path, World())

    def test_a_syntax_error_is_told_with_line_and_column(self, written: Written) -> None:
        (text,) = written.main("[daemon]\nstate_dir = x\n").texts()

        assert text.startswith("is not TOML: ")
        assert "line 2, column 13" in text

    def test_one_that_is_not_text_is_told(self, written: Written) -> None:
        written.file.write_bytes(b"a = '\xff'")

        (text,) = written.texts()

        assert text == "is not UTF-8: byte 5 is 0xff"

    def test_a_broken_part_does_not_hide_the_problems_of_the_others(self, written: Written) -> None:
        written.main("[daemon]\nconcurrency = 0").part("10.toml", "x = [").part("20.toml", '[connections.a]\nkind = "no"')

        problems = written.problems()

        assert [problem.file.name for problem in problems] == ["syncd.toml", "10.toml", "20.toml"]

    def test_what_may_stand_in_a_broken_part_is_not_called_missing(self, written: Written) -> None:
        written.main('[syncs.a]\nengine = "copy"\nsource.connection = "shop"').part("shop.toml", "[connections.shop")

        (problem,) = written.problems()

        assert problem.file.name == "shop.toml"

    def test_a_key_that_is_set_twice_is_told_with_both_files(self, written: Written) -> None:
        written.main(SHOP).part("10.toml", '[connections.shop]\npath = "y"')

        (problem,) = written.problems()

        assert problem.file.name == "10.toml"
        assert str(problem) == f"connections.shop.path: is set in {written.file} already"

    def test_a_table_and_a_value_of_the_same_name_are_told(self, written: Written) -> None:
        written.main(SHOP).part("10.toml", "[connections]\nshop = 3")

        assert written.texts() == [f"connections.shop: is set in {written.file} already"]

    def test_each_problem_names_the_file_that_holds_the_key(self, written: Written) -> None:
        written.main(SYNC).part("10.toml", '[syncs.products]\nevery = 0\n[syncs.b]\nengine = "copy"')

        problems = written.problems()

        assert [(problem.file.name, problem.key) for problem in problems] == [
            ("10.toml", "syncs.products.every"),
            ("10.toml", "syncs.b.source"),
        ]

    def test_a_file_in_place_of_the_folder_of_parts_is_told(self, written: Written) -> None:
        written.main("")
        (written.file.parent / "conf.d").write_text("")

        (problem,) = written.problems()

        assert problem.file.name == "conf.d"
        assert str(problem) == "cannot be read: Not a directory"

    def test_one_that_may_not_be_read_is_told(self, written: Written) -> None:
        written.main("").part("10.toml", "")
        part = written.file.parent / "conf.d/10.toml"
        part.unlink()
        part.symlink_to(part)

        (text,) = written.texts()

        assert text == f"cannot be read: {os.strerror(40)}"


class TestSecrets:
    @pytest.mark.parametrize(
        "text",
        [
            'login = "hunter2"',
            "login = 4711",
            'login = { value = "hunter2" }',
            "login = { env = 4711 }",
            'login = ["hunter2"]',
            'password = "hunter2"',
            'timeout = { password = "hunter2" }',
            'url = { token = "hunter2" }',
        ],
    )
    def test_what_could_be_one_is_never_shown(self, written: Written, text: str) -> None:
        url = "" if text.startswith("url") else 'url = "u"\n'
        written.main(f'[connections.s]\nkind = "server"\n{url}{text}')

        texts = "\n".join(written.texts())

        assert texts
        assert "hunter2" not in texts
        assert "4711" not in texts

    def test_the_password_in_an_url_is_never_shown(self, written: Written) -> None:
        (text,) = written.main(f'{SYNC}drift = "http://ada:hunter2@db/"').texts()

        assert text == "syncs.products.drift: expected 'evolve' or 'halt' (got 'http://•••@db/')"

    def test_a_literal_one_is_told_with_the_forms_that_there_are(self, written: Written) -> None:
        (text,) = written.main('[connections.s]\nkind = "server"\nurl = "u"\nlogin = "hunter2"').texts()

        assert text.startswith("connections.s.login: a secret is never written into the settings; expected { env =")

    def test_two_references_for_one_are_refused(self, written: Written) -> None:
        (text,) = written.main('[connections.s]\nkind = "server"\nurl = "u"\nlogin = { env = "A", file = "b" }').texts()

        assert text.startswith("connections.s.login: expected exactly one of")

    def test_an_unknown_form_is_told_with_those_that_there_are(self, written: Written) -> None:
        (text,) = written.main('[connections.s]\nkind = "server"\nurl = "u"\nlogin = { vault = "x" }').texts()

        assert text == "connections.s.login.vault: no such setting; there are: credential, env, file"
