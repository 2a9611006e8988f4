"""What the BigQuery connector makes of faults, of credentials and of missing rights, tried on a stand-in."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from time import monotonic
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from syncd.connectors.bigquery import CONNECTOR
from syncd.domain.errors import BadCredentials, SourceMismatch, SourceUnavailable
from syncd.ports.warehouse import SchemaReader
from tests.connectors.bigquery_warehouses import hasty, opened, settings
from tests.servers.bigquery.server import HANG, PROJECT, Answer, BigQuery, Call, always, once, refusal

ID: dict[str, Any] = {"name": "id", "type": "INTEGER"}


@pytest.fixture
def server() -> Iterator[BigQuery]:
    with BigQuery() as started:
        yield started


@pytest.fixture
async def reader(server: BigQuery) -> AsyncIterator[SchemaReader]:
    async with opened(settings(server)) as found:
        yield found


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

BUSY = [
    pytest.param(refusal(429, "rateLimitExceeded"), id="too many requests"),
    pytest.param(refusal(403, "rateLimitExceeded"), id="too many requests, told as forbidden"),
    pytest.param(refusal(403, "quotaExceeded"), id="a quota that is used up"),
    pytest.param(refusal(500, "internalError"), id="an error of the server"),
    pytest.param(Answer(b"<html>bad gateway", 502), id="a gateway"),
    pytest.param(Answer({"kind": "bigquery#tableList"}, cut=True), id="an answer that is cut"),
]
STRANGE = [
    pytest.param(Answer(b"<html>please log in</html>", headers={"Content-Type": "text/html"}), id="a page for people with status 200"),
    pytest.param(Answer([1, 2]), id="JSON that is no object"),
    pytest.param(Answer({}), id="an object of somebody else"),
    pytest.param(Answer({"kind": "bigquery#tableList", "tables": [{"id": 1}]}), id="a table without a name"),
    pytest.param(Answer({}, 302, {"Location": "/elsewhere"}), id="a redirection"),
    pytest.param(Answer(b"<h1>Not Found</h1>", 404), id="a 404 that is not BigQuery's"),
    pytest.param(Answer({"error": "blocked"}, 403), id="a 403 that is not BigQuery's"),
]


@pytest.mark.parametrize("answer", BUSY)
async def test_what_passes_by_itself_is_tried_again(server: BigQuery, reader: SchemaReader, answer: Answer) -> None:
    server.put("shop.a")
    server.trouble = once(answer)

    listed = await reader.list(["shop"])

    assert [each.name for each in listed] == ["shop.a"]
    assert len(server.calls) == 2


@pytest.mark.parametrize("answer", BUSY + STRANGE)
async def test_what_does_not_pass_within_patience_makes_the_source_unavailable(server: BigQuery, answer: Answer) -> None:
    server.put("shop.a")
    server.trouble = always(answer)

    async with opened(hasty(server)) as reader:
        with pytest.raises(SourceUnavailable, match=f"project {PROJECT}"):
            await reader.list(["shop"])


async def test_a_wait_that_is_asked_for_is_kept_if_patience_allows_it(server: BigQuery) -> None:
    server.put("shop.a")
    server.trouble = once(refusal(429, "rateLimitExceeded", headers={"Retry-After": "1"}))
    began = monotonic()

    async with opened(settings(server)) as reader:
        await reader.list(["shop"])

    assert monotonic() - began >= 1


async def test_a_wait_that_is_longer_than_patience_is_handed_on_at_once(server: BigQuery, reader: SchemaReader) -> None:
    server.trouble = always(refusal(429, "rateLimitExceeded", headers={"Retry-After": "600"}))
    began = monotonic()

    with pytest.raises(SourceUnavailable) as caught:
        await reader.list(["shop"])

    assert caught.value.after == 600
    assert monotonic() - began < 4


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(HANG, id="never answers"),
        pytest.param(Answer({"kind": "bigquery#tableList", "etag": "x" * 60}, slow=0.05), id="sends a byte now and then"),
    ],
)
async def test_a_server_that_is_too_slow_holds_nobody_up(server: BigQuery, answer: Answer) -> None:
    server.trouble = always(answer)
    began = monotonic()

    async with opened(hasty(server)) as reader:
        with pytest.raises(SourceUnavailable, match="did not answer the request for the tables of the dataset shop within"):
            await reader.list(["shop"])

    assert monotonic() - began < 4


async def test_the_threads_that_asked_a_slow_server_end(server: BigQuery) -> None:
    before = set(threading.enumerate())
    server.trouble = always(Answer({"kind": "bigquery#tableList", "etag": "x" * 600}, slow=0.02))

    async with opened(hasty(server)) as reader:
        with pytest.raises(SourceUnavailable):
            await reader.list(["shop"])
    left = [thread for thread in threading.enumerate() if thread not in before and thread.name == "left to itself"]
    for thread in left:
        await asyncio.to_thread(thread.join, 1)

    assert [thread for thread in left if thread.is_alive()] == []


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with BigQuery() as server:
        gone = hasty(server)

    async with opened(gone) as reader:
        with pytest.raises(SourceUnavailable, match="connection refused"):
            await reader.list(["shop"])


@pytest.mark.parametrize(
    ("ask", "permission", "role"),
    [
        pytest.param(lambda reader: reader.list(["shop"]), "bigquery.tables.list", "roles/bigquery.metadataViewer", id="listing"),
        pytest.param(lambda reader: reader.describe(["shop.a"]), "bigquery.tables.get", "roles/bigquery.metadataViewer", id="describing"),
        pytest.param(
            lambda reader: reader.samples("shop.a", ["id"], 3), "bigquery.tables.getData", "roles/bigquery.dataViewer", id="samples"
        ),
    ],
)
async def test_a_missing_right_is_told_with_its_name_and_a_role(
    server: BigQuery, reader: SchemaReader, ask: Callable[[SchemaReader], Any], permission: str, role: str
) -> None:
    server.put("shop.a", ID)
    needs_rows = "getData" in permission
    server.trouble = lambda call: refusal(403, "accessDenied") if not needs_rows or call.path[-1] == "data" else None

    with pytest.raises(SourceMismatch) as caught:
        await ask(reader)

    assert permission in caught.value.hint
    assert role in caught.value.hint


async def test_an_api_that_is_switched_off_is_told_as_that(server: BigQuery, reader: SchemaReader) -> None:
    server.trouble = always(refusal(403, "accessNotConfigured"))

    with pytest.raises(SourceMismatch) as caught:
        await reader.list(["shop"])

    assert "bigquery.googleapis.com" in caught.value.hint


async def test_the_first_error_ends_the_other_requests(server: BigQuery, reader: SchemaReader) -> None:
    server.latency = 0.01
    server.trouble = always(refusal(403, "accessDenied"))

    with pytest.raises(SourceMismatch):
        await reader.describe([f"shop.t{number}" for number in range(200)])

    assert len(server.calls) < 40


# ── credentials ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def account(server: BigQuery, private_key: str, token_path: str = "token") -> str:
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "syncd@demo.iam.gserviceaccount.com",
            "private_key": private_key,
            "token_uri": f"{server.url}/{token_path}",
        }
    )


async def test_a_service_account_gets_a_token_and_signs_with_it(
    server: BigQuery, private_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_KEY", account(server, private_key))
    server.token = "ya29.good"
    server.put("shop.a")

    async with opened(settings(server, credentials={"env": "BIGQUERY_KEY"})) as reader:
        listed = await reader.list(["shop"])

    assert [each.name for each in listed] == ["shop.a"]


async def test_a_token_that_is_not_accepted_is_bad_credentials(server: BigQuery, private_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_KEY", account(server, private_key))
    server.token = "ya29.good"
    server.trouble = always(refusal(401, "authError"))

    async with opened(settings(server, credentials={"env": "BIGQUERY_KEY"})) as reader:
        with pytest.raises(BadCredentials) as caught:
            await reader.list(["shop"])

    assert "ya29" not in str(caught.value)


async def test_an_account_that_the_token_server_refuses_is_bad_credentials(
    server: BigQuery, private_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGQUERY_KEY", account(server, private_key, "refused"))

    async with opened(settings(server, credentials={"env": "BIGQUERY_KEY"})) as reader:
        with pytest.raises(BadCredentials, match="refuses the credentials: invalid_grant"):
            await reader.list(["shop"])


async def test_nobody_is_refused_where_somebody_is_needed(server: BigQuery, reader: SchemaReader) -> None:
    server.token = "ya29.good"

    with pytest.raises(BadCredentials) as caught:
        await reader.list(["shop"])

    assert "`credentials`" in caught.value.hint


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("hunter2", id="no JSON"),
        pytest.param("[]", id="no object"),
        pytest.param('{"type": "authorized_user", "refresh_token": "hunter2"}', id="of a person"),
        pytest.param('{"client_email": "a@b", "token_uri": "http://x", "private_key": "hunter2"}', id="without a key that can be read"),
    ],
)
async def test_a_key_that_is_none_is_refused_and_never_quoted(server: BigQuery, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_KEY", key)

    with pytest.raises(BadCredentials) as caught:
        async with opened(settings(server, credentials={"env": "BIGQUERY_KEY"})):
            pass

    assert "hunter2" not in f"{caught.value!r} {caught.value.hint} {caught.value.__cause__!r}"


# ── check ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_check_tells_what_is_seen(server: BigQuery) -> None:
    server.put("shop.a")
    server.put("web.a")

    assert await CONNECTOR.check(settings(server, datasets=["shop"])) == "BigQuery project demo, 2 datasets"


@pytest.mark.parametrize(
    ("denied", "permission"),
    [
        pytest.param("datasets", "bigquery.datasets.get", id="to see datasets"),
        pytest.param("tables", "bigquery.tables.list", id="to list tables"),
        pytest.param("jobs", "bigquery.jobs.create", id="to have queries examined"),
    ],
)
async def test_a_check_finds_a_missing_right(server: BigQuery, denied: str, permission: str) -> None:
    server.put("shop.a")

    def trouble(call: Call) -> Answer | None:
        return refusal(403, "accessDenied") if call.path[-1] == denied else None

    server.trouble = trouble

    with pytest.raises(SourceMismatch) as caught:
        await CONNECTOR.check(settings(server, datasets=["shop"]))

    assert permission in caught.value.hint


async def test_a_check_names_a_dataset_that_is_not_there(server: BigQuery) -> None:
    server.put("shop.a")

    with pytest.raises(SourceMismatch, match=r"no dataset shops; did you mean 'shop'\?"):
        await CONNECTOR.check(settings(server, datasets=["shops"]))
