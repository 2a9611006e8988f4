"""Settings of metrics and notices, and what is wrong with some."""

import pytest

from syncd.domain.notice import Happening
from syncd.settings.addresses import host_and_port
from syncd.settings.difference import difference
from syncd.settings.dump import secret_problems
from tests.settings.world import Written


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("127.0.0.1:9464", ("127.0.0.1", 9464), id="IPv4"),
        pytest.param("[::1]:9464", ("::1", 9464), id="IPv6"),
        pytest.param("localhost:0", ("localhost", 0), id="a name"),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, expected: tuple[str, int]) -> None:
    assert host_and_port(address) == expected


@pytest.mark.parametrize(
    "address", ["9464", ":9464", "localhost", "localhost:", "localhost:70000", "localhost:-1", "::1:9464", "[]:1", "localhost:٣"]
)
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        host_and_port(address)


@pytest.mark.parametrize("address", ["0.0.0.0:9464", "[::]:9464", "192.168.1.7:9464", "metrics.example:9464"])
def test_metrics_off_loopback_are_refused_with_the_remedy(written: Written, address: str) -> None:
    (text,) = written.main(f'[daemon.metrics]\naddress = "{address}"\n').texts()

    assert "daemon.metrics" in text
    assert "anywhere = true" in text
    assert "127.0.0.1" in text


@pytest.mark.parametrize(
    "text",
    [
        'address = "0.0.0.0:9464"\nanywhere = true',
        'address = "127.0.0.1:9464"',
        'address = "[::1]:9464"',
        'address = "localhost:1"',
        "anywhere = true",
    ],
)
def test_metrics_on_loopback_or_where_it_is_meant_are_fine(written: Written, text: str) -> None:
    settings = written.main(f"[daemon.metrics]\n{text}\n").load()

    assert settings.daemon.metrics is not None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "exactly one of 'webhook', 'webhook_secret' and 'command'", id="no way to tell"),
        pytest.param('webhook = "https://a.example"\ncommand = ["b"]', "exactly one of", id="two ways to tell"),
        pytest.param('webhook = "chat.example"', "expected an address such as", id="no address"),
        pytest.param('webhook = "ftp://chat.example"', "expected an address such as", id="another protocol"),
        pytest.param('webhook = "https://me:pw@a.example"', "a login is never written into the settings", id="a login in the address"),
        pytest.param('webhook = "http://a.example"\ntoken = { env = "T" }', "a token is only sent over https", id="a token in the clear"),
        pytest.param(
            'webhook = "https://a.example"\ntoken = "abc"', "a secret is never written into the settings", id="a token in the settings"
        ),
        pytest.param('command = ["b"]\ntoken = { env = "T" }', "'token' goes with a webhook only", id="a token for a command"),
        pytest.param('command = ["b"]\non = ["halt"]', "'halted'", id="an event that there is not"),
        pytest.param('command = ["b"]\non = []', "one or more of 'halted'", id="no event at all"),
        pytest.param('command = ["b"]\nquiet = "-1s"', "quiet", id="a negative time"),
    ],
)
def test_a_channel_that_cannot_work_is_told(written: Written, text: str, problem: str) -> None:
    (found,) = written.main(f"[[notify]]\n{text}\n").texts()

    assert "notify" in found
    assert problem in found
    assert "pw" not in found


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        pytest.param('name = "pager"\nwebhook = "https://a.example/x"', "pager", id="its name"),
        pytest.param('webhook = "https://a.example/secret"', "a.example", id="the host"),
        pytest.param('webhook_secret = { env = "HOOK" }', "webhook", id="nothing of a secret"),
        pytest.param('command = ["/usr/bin/tell", "x"]', "tell", id="the file of the command"),
        pytest.param('webhook = "http://localhost/"\ntoken = { env = "T" }', "localhost", id="a token for this machine"),
    ],
)
def test_a_channel_has_a_name(written: Written, text: str, channel: str) -> None:
    (section,) = written.main(f"[[notify]]\n{text}\n").load().notify

    assert section.channel == channel
    assert Happening.WARNINGS not in section.on


def test_notices_that_are_no_list_of_tables_are_told(written: Written) -> None:
    (found,) = written.main('[notify]\ncommand = ["b"]\n').texts()

    assert "expected one or more tables '[[notify]]'" in found


def test_changed_notices_and_metrics_wait_for_a_restart(written: Written) -> None:
    old = written.main("").load()

    new = written.main('[daemon.metrics]\naddress = "127.0.0.1:1"\n[[notify]]\ncommand = ["b"]\n').load()

    assert difference(old, new).restart == ("daemon.metrics", "notify")


def test_a_check_names_the_secrets_of_channels_and_reports_that_are_missing(written: Written) -> None:
    text = '[daemon.errors]\ndsn = { env = "NO_SUCH_DSN" }\n[[notify]]\nwebhook_secret = { file = "none" }\n'

    problems = secret_problems(written.main(text).load())

    assert [problem.key for problem in problems] == ["daemon.errors.dsn", "notify[0].webhook_secret"]
