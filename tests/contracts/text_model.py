"""What every `TextModel` promises. A connector's test subclasses `TextModelContract` and scripts the service behind its model."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Protocol

import pytest

from syncd.ports.models import Prompt, TextModel, Usage

SCHEMA = {
    "type": "object",
    "properties": {"insight": {"type": "string"}, "rows": {"type": "array", "items": {"type": "integer"}}},
    "required": ["insight", "rows"],
    "additionalProperties": False,
}
VALUE = {"insight": "one row a day, 매일", "rows": [1, 2]}
SHORT, LONG = 500, 20_000


def prompt(task: str = "the table t", longest: int = SHORT) -> Prompt:
    return Prompt(("the rules", "the description"), task, SCHEMA, longest)


async def until(seen: Callable[[], bool]) -> None:
    """Look until something is there; what is looked at lives in another thread and cannot wake us."""
    while not seen():  # noqa: ASYNC110 - no event of this loop
        await asyncio.sleep(0.005)


class Service(Protocol):
    """What the next request gets; each call is for one more."""

    def will_say(self, text: str) -> None:
        """A whole answer of this text."""

    def will_cut(self, text: str) -> None:
        """An answer that stops before its end."""

    def will_refuse(self) -> None: ...

    def will_be_busy(self) -> None: ...

    def will_reject_the_key(self) -> None: ...

    def will_not_answer(self) -> None:
        """Neither in time, nor ever."""

    def will_not_count(self) -> None: ...

    @property
    def requests(self) -> int:
        """How many prompts have arrived."""


class TextModelContract:
    """Needs the fixtures `service`, `model` and `impatient`, the same model with a short time limit. Both wait shortly between attempts."""

    @pytest.fixture(params=[SHORT, LONG], ids=["short", "long"])
    def asked(self, request: pytest.FixtureRequest) -> Prompt:
        return prompt(longest=request.param)

    async def test_a_whole_answer_is_the_value(self, model: TextModel, service: Service, asked: Prompt) -> None:
        service.will_say(json.dumps(VALUE))

        reply = await model.ask(asked)

        assert reply.value == VALUE
        assert reply.failure is None
        assert [attempt.outcome for attempt in reply.attempts] == ["answered"]

    async def test_every_attempt_tells_what_it_took(self, model: TextModel, service: Service, asked: Prompt) -> None:
        service.will_say("no json")
        service.will_say(json.dumps(VALUE))

        reply = await model.ask(asked)

        assert reply.value == VALUE
        assert [attempt.outcome for attempt in reply.attempts] == ["model.malformed", "answered"]
        assert all(isinstance(attempt.usage, Usage) and attempt.usage.output > 0 for attempt in reply.attempts)
        assert all(attempt.seconds > 0 for attempt in reply.attempts)

    async def test_what_is_busy_is_asked_again(self, model: TextModel, service: Service, asked: Prompt) -> None:
        service.will_be_busy()
        service.will_say(json.dumps(VALUE))

        reply = await model.ask(asked)

        assert reply.value == VALUE
        assert len(reply.attempts) == service.requests == 2

    @pytest.mark.parametrize(
        ("script", "code"),
        [
            pytest.param(lambda service: service.will_cut(json.dumps(VALUE)), "model.cut", id="a cut answer"),
            pytest.param(lambda service: service.will_refuse(), "model.refused", id="a refusal"),
            pytest.param(lambda service: service.will_say(" "), "model.empty", id="an empty answer"),
            pytest.param(lambda service: service.will_say(f"Here it is: {json.dumps(VALUE)}"), "model.malformed", id="text around JSON"),
            pytest.param(lambda service: service.will_say(json.dumps([VALUE])), "model.malformed", id="a list"),
            pytest.param(lambda service: service.will_say(json.dumps({**VALUE, "rows": ["1"]})), "model.malformed", id="a wrong type"),
            pytest.param(lambda service: service.will_say(json.dumps({"rows": []})), "model.malformed", id="a missing member"),
            pytest.param(lambda service: service.will_reject_the_key(), "connection.credentials", id="a rejected key"),
        ],
    )
    async def test_what_is_no_answer_is_never_a_value(
        self, model: TextModel, service: Service, asked: Prompt, script: Callable[[Service], None], code: str
    ) -> None:
        for _ in range(10):
            script(service)

        reply = await model.ask(asked)

        assert reply.value is None
        assert reply.failure is not None
        assert reply.failure.code == code
        assert {attempt.outcome for attempt in reply.attempts} == {code}
        assert len(reply.attempts) == service.requests

    async def test_a_service_that_is_silent_is_unreachable(self, impatient: TextModel, service: Service, asked: Prompt) -> None:
        for _ in range(10):
            service.will_not_answer()

        reply = await impatient.ask(asked)

        assert reply.value is None
        assert reply.failure is not None
        assert reply.failure.code == "model.unreachable"
        assert {(attempt.outcome, attempt.usage) for attempt in reply.attempts} == {("model.unreachable", None)}

    async def test_a_rejected_key_is_not_tried_again(self, model: TextModel, service: Service) -> None:
        service.will_reject_the_key()

        reply = await model.ask(prompt())

        assert service.requests == 1
        assert reply.failure is not None
        assert reply.failure.hint

    async def test_several_prompts_are_asked_at_once(self, model: TextModel, service: Service) -> None:
        for _ in range(8):
            service.will_say(json.dumps(VALUE))

        replies = await asyncio.gather(*(model.ask(prompt(f"table {number}")) for number in range(8)))

        assert [reply.value for reply in replies] == [VALUE] * 8

    async def test_asking_can_be_cancelled(self, model: TextModel, service: Service, asked: Prompt) -> None:
        service.will_not_answer()
        asking = asyncio.create_task(model.ask(asked))
        await until(lambda: service.requests > 0)

        asking.cancel()

        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asking, 5)

    async def test_tokens_are_counted_or_unknown(self, model: TextModel, service: Service) -> None:
        counted = await model.count(prompt())
        service.will_not_count()
        uncounted: Any = await model.count(prompt())

        assert counted is not None
        assert counted > 0
        assert uncounted is None

    def test_a_model_has_a_name(self, model: TextModel) -> None:
        assert model.name
