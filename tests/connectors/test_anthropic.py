"""Anthropic's Messages API, through its official client, against a server that behaves as badly as the real one can."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from anthropic.resources.messages import DEPRECATED_MODELS
from pydantic import ValidationError

from syncd.connectors.anthropic import CONNECTOR
from syncd.connectors.anthropic.fitting import misfit
from syncd.connectors.anthropic.hearing import Heard
from syncd.connectors.anthropic.settings import Settings
from syncd.domain.errors import BadCredentials, PermanentError, TransientError
from syncd.ports.models import Prices, Prompt, TextModel, Usage
from tests.contracts.text_model import LONG, SHORT, VALUE, TextModelContract, prompt
from tests.servers.model_api import (
    ModelApi,
    Step,
    answered,
    broken_off,
    cut,
    dropped,
    failed,
    hanging,
    said,
    sent,
    silent,
    stalled,
    torn,
)
from tests.servers.ports import free_port

KEY = "sk-ant-very-secret"
TEXT = json.dumps(VALUE)
SPENT = Usage(input=100, output=20, kept=30, reused=40)


class Scripted:
    """The stand-in, in the words of the contract."""

    def __init__(self, api: ModelApi) -> None:
        self._api = api

    def will_say(self, text: str) -> None:
        self._api.script(said(text))

    def will_cut(self, text: str) -> None:
        self._api.script(said(text[:-5], stop="max_tokens"))

    def will_refuse(self) -> None:
        self._api.script(said("", stop="refusal"))

    def will_be_busy(self) -> None:
        self._api.script(failed(529, "overloaded_error"))

    def will_reject_the_key(self) -> None:
        self._api.script(failed(401, "authentication_error", f"no such key: {KEY}"))

    def will_not_answer(self) -> None:
        self._api.script(hanging())

    def will_not_count(self) -> None:
        self._api.tokens = None

    @property
    def requests(self) -> int:
        return len(self._api.asked)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelApi]:
    monkeypatch.setenv("MODEL_KEY", KEY)
    # Reading the certificates of all the world takes longer than a test.
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with ModelApi() as server:
        yield server


def settings_of(url: str, **more: object) -> Settings:
    quick = {"timeout": "10s", "deadline": "30s", "longest_wait": "10ms"}
    return Settings.model_validate({"key": {"env": "MODEL_KEY"}, "model": "claude-sonnet-4-5", "base_url": url, **quick, **more})


def opened(api: ModelApi, **more: object) -> AbstractAsyncContextManager[TextModel]:
    assert CONNECTOR.model is not None
    return CONNECTOR.model(settings_of(api.url, **more))


@pytest.fixture
async def model(api: ModelApi) -> AsyncIterator[TextModel]:
    async with opened(api) as found:
        yield found


@pytest.fixture
async def impatient(api: ModelApi) -> AsyncIterator[TextModel]:
    async with opened(api, timeout="400ms", attempts=3) as found:
        yield found


class TestContract(TextModelContract):
    @pytest.fixture
    def service(self, api: ModelApi) -> Scripted:
        return Scripted(api)


# ── what comes of each answer ────────────────────────────────────────────────────────────────────────────────────────────────


NOTHING, BEGUN = None, Usage(input=100, output=1, kept=30, reused=40)


@pytest.mark.parametrize(
    ("step", "longest", "expected"),
    [
        pytest.param(failed(400, "invalid_request_error"), SHORT, ("model.rejected", 1, NOTHING), id="400"),
        pytest.param(failed(401, "authentication_error"), SHORT, ("connection.credentials", 1, NOTHING), id="401"),
        pytest.param(failed(402, "billing_error"), SHORT, ("connection.credentials", 1, NOTHING), id="402"),
        pytest.param(failed(403, "permission_error"), SHORT, ("connection.credentials", 1, NOTHING), id="403"),
        pytest.param(failed(404, "not_found_error"), SHORT, ("model.rejected", 1, NOTHING), id="404"),
        pytest.param(failed(412), SHORT, ("model.rejected", 1, NOTHING), id="412"),
        pytest.param(failed(413, "request_too_large"), SHORT, ("model.rejected", 1, NOTHING), id="413"),
        pytest.param(failed(422), SHORT, ("model.rejected", 1, NOTHING), id="422"),
        pytest.param(failed(408), SHORT, ("model.unreachable", 4, NOTHING), id="408"),
        pytest.param(failed(409), SHORT, ("model.unreachable", 4, NOTHING), id="409"),
        pytest.param(failed(429, "rate_limit_error"), SHORT, ("model.limited", 4, NOTHING), id="429"),
        pytest.param(failed(500), SHORT, ("model.unreachable", 4, NOTHING), id="500"),
        pytest.param(failed(501), SHORT, ("model.unreachable", 4, NOTHING), id="501"),
        pytest.param(failed(503), SHORT, ("model.overloaded", 4, NOTHING), id="503"),
        pytest.param(failed(504), SHORT, ("model.unreachable", 4, NOTHING), id="504"),
        pytest.param(failed(529, "overloaded_error"), SHORT, ("model.overloaded", 4, NOTHING), id="529"),
        pytest.param(failed(529, "overloaded_error"), LONG, ("model.overloaded", 4, NOTHING), id="529 to a stream"),
        pytest.param(failed(400, x_should_retry="true"), SHORT, ("model.rejected", 4, NOTHING), id="400 that is to be tried again"),
        pytest.param(failed(500, x_should_retry="false"), SHORT, ("model.unreachable", 1, NOTHING), id="500 that is not"),
        pytest.param(failed(401, x_should_retry="true"), SHORT, ("connection.credentials", 1, NOTHING), id="a key stays wrong"),
        pytest.param(sent(b"<html>Bad gateway</html>", 502, "text/html"), SHORT, ("model.unreachable", 4, NOTHING), id="502 of a proxy"),
        pytest.param(sent(b'{"error": ["odd"]}', 500), SHORT, ("model.unreachable", 4, NOTHING), id="an error of odd form"),
        pytest.param(sent(b"<html>Log in</html>", 200, "text/html"), SHORT, ("model.malformed", 4, NOTHING), id="200 with HTML"),
        pytest.param(sent(b"<html>Log in</html>", 200, "text/html"), LONG, ("model.malformed", 4, NOTHING), id="HTML for a stream"),
        pytest.param(sent(b"\xff\xfe\x00"), SHORT, ("model.malformed", 4, NOTHING), id="200 with bytes"),
        pytest.param(sent(b"{}"), SHORT, ("model.malformed", 4, NOTHING), id="200 without fields"),
        pytest.param(sent(b"[1]"), SHORT, ("model.malformed", 4, NOTHING), id="200 with a list"),
        pytest.param(sent(b'{"content": 5, "usage": [], "stop_reason": 7}'), SHORT, ("model.malformed", 4, NOTHING), id="odd fields"),
        pytest.param(silent(), SHORT, ("model.empty", 2, SPENT), id="no content"),
        pytest.param(silent(), LONG, ("model.empty", 2, SPENT), id="a stream without content"),
        pytest.param(said("{}"), SHORT, ("model.malformed", 2, SPENT), id="an empty object"),
        pytest.param(said('{"insight": "\\ud800", "rows": []}'), SHORT, ("model.malformed", 2, SPENT), id="half a character"),
        pytest.param(said('{"insight": "", "rows": [NaN]}'), SHORT, ("model.malformed", 2, SPENT), id="a number that is none"),
        pytest.param(sent(b"[" * 100_000), SHORT, ("model.malformed", 4, NOTHING), id="200 that is too deep"),
        pytest.param(said("[" * 100_000), SHORT, ("model.malformed", 2, SPENT), id="too deep"),
        pytest.param(said(TEXT, stop="tool_use"), SHORT, ("model.malformed", 2, SPENT), id="another reason to stop"),
        pytest.param(said(TEXT, stop=None), SHORT, ("model.cut", 2, SPENT), id="no reason to stop"),
        pytest.param(said(TEXT[:9], stop="max_tokens"), SHORT, ("model.cut", 1, SPENT), id="max_tokens"),
        pytest.param(said(TEXT, stop="max_tokens"), SHORT, ("model.cut", 1, SPENT), id="max_tokens behind the last letter"),
        pytest.param(said("", stop="refusal"), SHORT, ("model.refused", 1, SPENT), id="refusal"),
        pytest.param(cut(TEXT), LONG, ("model.cut", 2, BEGUN), id="a stream that is cut behind the whole text"),
        pytest.param(torn(TEXT), LONG, ("model.cut", 2, BEGUN), id="a stream that is torn"),
        pytest.param(broken_off(TEXT), LONG, ("model.overloaded", 2, BEGUN), id="overloaded in the middle of a stream"),
        pytest.param(broken_off(TEXT, "api_error"), LONG, ("model.cut", 2, BEGUN), id="an error in the middle of a stream"),
        pytest.param(broken_off(TEXT, "billing_error"), LONG, ("connection.credentials", 1, BEGUN), id="no credit in a stream"),
        pytest.param(broken_off(TEXT, "never_heard"), LONG, ("model.cut", 2, BEGUN), id="an unknown error in a stream"),
        pytest.param(dropped(), SHORT, ("model.unreachable", 4, NOTHING), id="a dropped connection"),
        pytest.param(dropped(), LONG, ("model.unreachable", 4, NOTHING), id="a dropped stream"),
    ],
)
async def test_each_bad_answer_has_its_code_and_its_number_of_attempts(
    api: ModelApi, model: TextModel, step: Step, longest: int, expected: tuple[str, int, Usage | None]
) -> None:
    code, times, usage = expected
    api.script(*[step] * 10)

    reply = await model.ask(prompt(longest=longest))

    assert reply.value is None
    assert reply.failure is not None
    assert reply.failure.code == code
    assert [(attempt.outcome, attempt.usage) for attempt in reply.attempts] == [(code, usage)] * times
    assert len(api.asked) == times


async def test_a_stream_that_falls_silent_is_cut(api: ModelApi, impatient: TextModel) -> None:
    api.script(*[stalled(TEXT)] * 3)

    reply = await impatient.ask(prompt(longest=LONG))

    assert reply.value is None
    assert [(attempt.outcome, attempt.usage) for attempt in reply.attempts] == [("model.cut", BEGUN)] * 2


async def test_a_service_that_nobody_runs_is_unreachable(api: ModelApi) -> None:
    settings = settings_of(f"http://127.0.0.1:{free_port()}")
    assert CONNECTOR.model is not None

    async with CONNECTOR.model(settings) as model:
        reply = await model.ask(prompt())

    assert reply.failure is not None
    assert reply.failure.code == "model.unreachable"
    assert len(reply.attempts) == 4


async def test_an_answer_counts_although_the_service_does_not_say_what_it_cost(api: ModelApi, model: TextModel) -> None:
    api.script(said(TEXT, usage=None))

    reply = await model.ask(prompt())

    assert reply.value == VALUE
    assert [attempt.usage for attempt in reply.attempts] == [None]


async def test_the_usage_of_all_attempts_is_told(api: ModelApi, model: TextModel) -> None:
    api.script(failed(529), said("garbage", usage={"input_tokens": 7, "output_tokens": 8}), answered(VALUE))

    reply = await model.ask(prompt())

    assert reply.value == VALUE
    assert [attempt.usage for attempt in reply.attempts] == [None, Usage(7, 8), SPENT]


async def test_thinking_is_no_part_of_the_answer(api: ModelApi, model: TextModel) -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": TEXT[:5]},
        {"type": "text", "text": TEXT[5:]},
    ]
    usage = {"input_tokens": 1, "output_tokens": 1}
    api.script(sent(json.dumps({"type": "message", "content": content, "stop_reason": "end_turn", "usage": usage}).encode()))

    reply = await model.ask(prompt())

    assert reply.value == VALUE


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_wait_that_the_service_asks_for_is_capped(api: ModelApi, model: TextModel) -> None:
    api.script(failed(429, "rate_limit_error", retry_after="70"), answered(VALUE))

    async with asyncio.timeout(30):
        reply = await model.ask(prompt())

    assert reply.value == VALUE


async def test_a_wait_that_the_service_asks_for_is_kept(api: ModelApi) -> None:
    api.script(failed(429, "rate_limit_error", retry_after="1.2"), answered(VALUE))
    loop = asyncio.get_running_loop()

    async with opened(api, longest_wait="5s") as model:
        began = loop.time()
        reply = await model.ask(prompt())

    assert reply.value == VALUE
    assert loop.time() - began >= 1.2


async def test_nobody_waits_for_an_attempt_that_there_is_no_time_for(api: ModelApi) -> None:
    api.script(failed(429, "rate_limit_error", retry_after="70"), answered(VALUE))

    async with opened(api, longest_wait="60s") as model, asyncio.timeout(20):
        reply = await model.ask(prompt())

    assert reply.value is None
    assert len(api.asked) == 1


@pytest.mark.parametrize("longest", [SHORT, LONG])
async def test_all_attempts_together_end_at_the_deadline(api: ModelApi, longest: int) -> None:
    api.script(*[hanging()] * 10)
    loop = asyncio.get_running_loop()

    async with opened(api, timeout="10s", deadline="300ms") as model:
        began = loop.time()
        reply = await model.ask(prompt(longest=longest))

    assert reply.value is None
    assert len(api.asked) == 1
    assert 0.25 < loop.time() - began < 5


async def test_counting_is_bounded_in_time(api: ModelApi) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        settings = settings_of(f"http://127.0.0.1:{mute.getsockname()[1]}", timeout="200ms")
        assert CONNECTOR.model is not None
        async with CONNECTOR.model(settings) as model, asyncio.timeout(10):
            counted = await model.count(prompt())

    assert counted is None


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_prompt_is_sent_with_its_stable_part_first_and_kept(api: ModelApi, model: TextModel) -> None:
    api.script(answered(VALUE))

    await model.ask(Prompt(("the rules", "", "the description"), "the task", {"type": "object"}, 321))

    assert api.asked[0].body == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 321,
        "system": [
            {"type": "text", "text": "the rules"},
            {"type": "text", "text": "the description", "cache_control": {"type": "ephemeral", "ttl": "5m"}},
        ],
        "messages": [{"role": "user", "content": "the task"}],
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    }
    assert api.asked[0].headers["authorization"] == f"Bearer {KEY}"


async def test_equal_stable_parts_are_equal_bytes(api: ModelApi, model: TextModel) -> None:
    api.script(answered(VALUE), answered(VALUE))

    await model.ask(prompt("one"))
    await model.ask(prompt("two"))

    one, two = (asked.raw for asked in api.asked)
    assert one.replace(b'"one"', b'"two"') == two
    assert all(json.dumps(asked.body["system"], separators=(",", ":")).encode() in asked.raw for asked in api.asked)


async def test_what_is_counted_is_what_is_read(api: ModelApi, model: TextModel) -> None:
    api.script(answered(VALUE))

    counted = await model.count(prompt())
    await model.ask(prompt())

    assert counted == 1234
    assert {**api.asked[0].body, **api.counted[0].body} == api.asked[0].body


async def test_long_answers_are_streamed(api: ModelApi, model: TextModel) -> None:
    api.script(answered(VALUE), answered(VALUE))

    await model.ask(prompt(longest=SHORT))
    await model.ask(prompt(longest=60_000))

    assert [asked.streamed for asked in api.asked] == [False, True]


async def test_a_longer_keeping_is_asked_for_where_it_is_set(api: ModelApi) -> None:
    api.script(answered(VALUE))

    async with opened(api, keep="1h") as model:
        await model.ask(prompt())

    assert api.asked[0].body["system"][-1]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


# ── settings, key, check ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("more", "prices"),
    [
        pytest.param({}, None, id="nobody has told them"),
        pytest.param({"prices": {"input": 4, "output": 20}}, Prices(4, 20, 5, 0.4), id="what is kept costs a quarter more"),
        pytest.param({"prices": {"input": 4, "output": 20}, "keep": "1h"}, Prices(4, 20, 8, 0.4), id="kept for an hour, twice"),
        pytest.param({"prices": {"input": 4, "output": 20, "kept": 0, "reused": 1}}, Prices(4, 20, 0, 1), id="all of them told"),
    ],
)
async def test_prices_are_those_of_the_settings(api: ModelApi, more: Any, prices: Prices | None) -> None:
    async with opened(api, **more) as model:
        assert model.prices == prices


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"key": KEY}, id="a literal key"),
        pytest.param({"model": ""}, id="no model"),
        pytest.param({"base_url": "api.anthropic.com"}, id="no scheme"),
        pytest.param({"base_url": "https://"}, id="no host"),
        pytest.param({"base_url": f"https://me:{KEY}@example.org"}, id="a login in the address"),
        pytest.param({"prices": {"input": -1, "output": 1}}, id="a negative price"),
        pytest.param({"attempts": 0}, id="no attempt"),
        pytest.param({"deadline": "0s"}, id="no time"),
        pytest.param({"keep": "2h"}, id="an unknown time of keeping"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_without_their_values(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        settings_of("http://localhost", **wrong)

    assert KEY not in str(refused.value)


@pytest.mark.parametrize("key", ["", "   ", "sk ant", "sk-änt", "sk\nant"])
async def test_a_key_that_cannot_be_one_is_refused_at_opening(api: ModelApi, tmp_path: Path, key: str) -> None:
    path = tmp_path / "key"
    path.write_text(key)

    with pytest.raises(BadCredentials) as refused:
        async with opened(api, key={"file": str(path)}):
            pass

    assert refused.value.hint
    assert api.asked == []


async def test_the_key_stands_in_no_text(api: ModelApi, model: TextModel, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"{'so ' * 63}invalid: {KEY}"  # the key stands where a long text is cut
    api.script(failed(401, "authentication_error", echo), failed(400, KEY, echo), failed(500, message=echo), dropped(), sent(KEY.encode()))

    replies = [await model.ask(prompt()) for _ in range(3)]

    assert len(caplog.records) > 0
    assert KEY[:8] not in caplog.text
    assert KEY[:8] not in repr(replies)
    assert KEY not in repr(model)


async def test_the_check_proves_key_and_model_and_tells_the_end_of_the_model(api: ModelApi) -> None:
    ending, end = next(iter(DEPRECATED_MODELS.items()))

    lines = [await CONNECTOR.check(settings_of(api.url, model=model)) for model in (ending, "a-new-one")]

    assert lines == [f"{ending} at 127.0.0.1; it ends on {end}", "a-new-one at 127.0.0.1"]
    assert [asked.body["model"] for asked in api.counted] == [ending, "a-new-one"]
    assert api.asked == []


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        pytest.param(401, BadCredentials, "connection.credentials", id="a wrong key"),
        pytest.param(404, PermanentError, "model.rejected", id="an unknown model"),
        pytest.param(529, TransientError, "model.overloaded", id="an overloaded service"),
    ],
)
async def test_the_check_tells_what_is_wrong(api: ModelApi, status: int, kind: type[Exception], code: str) -> None:
    api.count_step = failed(status, message=f"about {KEY}")

    with pytest.raises(kind) as raised:
        await CONNECTOR.check(settings_of(api.url))

    assert getattr(raised.value, "code", "") == code
    assert "claude-sonnet-4-5 at 127.0.0.1" in str(raised.value)
    assert KEY not in str(raised.value)


# ── pure parts ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


ITEM = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("value", "schema", "words"),
    [
        pytest.param({"a": 1}, ITEM, "", id="an object that fits"),
        pytest.param({}, ITEM, "the answer has no `a`", id="a missing member"),
        pytest.param({"a": 1, "b": 2}, ITEM, "the answer has 1 more members than the expected `a`", id="an unknown member"),
        pytest.param({"a": "1"}, ITEM, "the answer.a is string, expected integer", id="a text for a number"),
        pytest.param({"a": True}, ITEM, "the answer.a is boolean, expected integer", id="a truth is no number"),
        pytest.param({"a": None}, ITEM, "the answer.a is null, expected integer", id="null is none of all"),
        pytest.param([{"a": 1}, {"a": 1.5}], {"type": "array", "items": ITEM}, "the answer[1].a is number, expected integer", id="deep"),
        pytest.param([], ITEM, "the answer is array, expected object", id="a list for an object"),
        pytest.param(1, {"type": "number"}, "", id="an integer is a number"),
        pytest.param(1.5, {"type": "number"}, "", id="a number"),
        pytest.param(False, {"type": "boolean"}, "", id="a truth"),
        pytest.param("b", {"type": "string", "enum": ["a", "b"]}, "", id="one of some values"),
        pytest.param("c", {"type": "string", "enum": ["a", "b"]}, "the answer is none of the 2 values that it may be", id="none of them"),
        pytest.param(1, {"enum": [True]}, "the answer is none of the 1 values that it may be", id="one is not true"),
    ],
)
def test_a_misfit_is_told_with_its_place_and_without_its_value(value: object, schema: dict[str, Any], words: str) -> None:
    assert misfit(value, schema) == words


@pytest.mark.parametrize(
    "odd", [None, 5, "x", [], {}, {"type": 5}, {"type": "content_block_delta", "delta": []}, {"type": "message_start"}]
)
def test_events_of_another_form_leave_no_trace(odd: object) -> None:
    heard = Heard()

    for take in _takers(heard):
        take(odd)

    assert (heard.text, heard.stop, heard.usage) == ("", None, None)


def _takers(heard: Heard) -> list[Callable[[object], None]]:
    return [heard.event, heard.message]
