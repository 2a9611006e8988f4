"""Asks one model, again after what passes by itself."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
from anthropic import AsyncAnthropic, AsyncStream
from anthropic.resources.messages import DEPRECATED_MODELS

from syncd.connectors.anthropic.failures import FOREIGN, interrupted, outcome_of, raised
from syncd.connectors.anthropic.hearing import Heard, Outcome, judged
from syncd.connectors.anthropic.settings import Settings
from syncd.domain.errors import BadCredentials
from syncd.domain.run import Failure
from syncd.ports.models import Attempt, Prices, Prompt, Reply

_MESSAGES = "/v1/messages"
_LONG = 4_000
"""Tokens of an answer that takes so long to write that it is read as a stream: then silence tells from slowness."""
_COUNTING = 10.0
"""Seconds that counting tokens may take."""
_PAID = 2
"""Answers without use that are paid for a prompt at most: more of them help the service only."""
_FIRST_WAIT = 1.0


class AnthropicModel:
    """One model by one key; several prompts may be asked at once."""

    def __init__(self, settings: Settings, client: AsyncAnthropic, key: str) -> None:
        self._settings = settings
        self._client = client
        self._key = key
        self._timeout = settings.timeout.total_seconds()

    @property
    def name(self) -> str:
        return self._settings.model

    @property
    def place(self) -> str:
        return f"{self.name} at {urlsplit(self._settings.base_url).hostname}"

    @property
    def prices(self) -> Prices | None:
        return self._settings.told_prices()

    async def count(self, prompt: Prompt) -> int | None:
        try:
            return await self._counted(self._read_part(prompt))
        except FOREIGN:
            return None

    async def ask(self, prompt: Prompt) -> Reply:
        until = _now() + self._settings.deadline.total_seconds()
        attempts: list[Attempt] = []
        while True:
            attempt, outcome = await self._attempt(prompt, until)
            attempts.append(attempt)
            wait = self._wait(outcome, attempts)
            if wait is None or _now() + wait >= until:
                return _reply(outcome, tuple(attempts), self.place)
            await asyncio.sleep(wait)

    async def prove(self) -> None:
        """Ask the least that needs the key and the model, without cost. Raises what the answer means."""
        try:
            await self._counted(self._read_part(Prompt((), "Hello", {}, 1)))
        except FOREIGN as error:
            raise raised(_placed(outcome_of(error, self._key), self.place)) from None

    async def _attempt(self, prompt: Prompt, until: float) -> tuple[Attempt, Outcome]:
        heard = Heard()
        began = _now()
        try:
            async with asyncio.timeout_at(until if _is_long(prompt) else min(until, began + self._timeout)):
                await self._hear(prompt, heard)
            outcome = judged(heard, prompt.answer)
        except FOREIGN as error:
            outcome = interrupted(heard, outcome_of(error, self._key))
        return Attempt(outcome.code, heard.usage, _now() - began), outcome

    async def _hear(self, prompt: Prompt, heard: Heard) -> None:
        request = {
            **self._read_part(prompt),
            "max_tokens": prompt.longest,
            "output_config": {"format": {"type": "json_schema", "schema": prompt.answer}},
        }
        if not _is_long(prompt):
            heard.message(await self._post("", request))
            return
        stream = self._client.post(_MESSAGES, body={**request, "stream": True}, cast_to=object, stream=True, stream_cls=AsyncStream[object])
        async with await stream as events:
            async for event in events:
                heard.event(event)

    async def _post(self, path: str, request: Mapping[str, Any]) -> object:
        # Not by `messages.create`: it hides what the answer was, and warns of a model's end on standard error each time.
        response = await self._client.post(f"{_MESSAGES}{path}", body=request, cast_to=httpx2.Response)
        answer: object = json.loads(response.text)
        return answer

    def _read_part(self, prompt: Prompt) -> dict[str, Any]:
        """What the model reads; of equal stable texts the same bytes."""
        request: dict[str, Any] = {"model": self.name, "messages": [{"role": "user", "content": prompt.task}]}
        blocks: list[dict[str, Any]] = [{"type": "text", "text": text} for text in prompt.stable if text.strip()]
        if blocks:
            blocks[-1]["cache_control"] = {"type": "ephemeral", "ttl": self._settings.keep}
            request["system"] = blocks
        return request

    async def _counted(self, request: dict[str, Any]) -> int:
        async with asyncio.timeout(min(_COUNTING, self._timeout)):
            answer = await self._post("/count_tokens", request)
        tokens = answer.get("input_tokens") if isinstance(answer, dict) else None
        if not isinstance(tokens, int):
            raise ValueError("no number of tokens")  # noqa: TRY004 - like every answer of another form
        return tokens

    def _wait(self, outcome: Outcome, attempts: list[Attempt]) -> float | None:
        """Seconds until the next attempt; None if there is none."""
        paid = sum(attempt.usage is not None for attempt in attempts)
        if not outcome.passes or len(attempts) >= self._settings.attempts or paid >= _PAID:
            return None
        # Half random, so that many prompts that failed together do not come back together.
        growing = _FIRST_WAIT * 2.0 ** (len(attempts) - 1) * (1 + random.random()) / 2  # noqa: S311 - spreads load, guards nothing
        return min(max(outcome.after, growing), self._settings.longest_wait.total_seconds())


def _is_long(prompt: Prompt) -> bool:
    return prompt.longest > _LONG


def _now() -> float:
    return asyncio.get_running_loop().time()


def _placed(outcome: Outcome, place: str) -> Outcome:
    return Outcome(outcome.code, f"{place}: {outcome.message}", outcome.hint, outcome.passes, outcome.after)


def _reply(outcome: Outcome, attempts: tuple[Attempt, ...], place: str) -> Reply:
    if outcome.value is not None:
        return Reply(outcome.value, attempts)
    return Reply(None, attempts, Failure(outcome.code, f"{place}: {outcome.message}", outcome.hint))


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[AnthropicModel]:
    """Raises `BadCredentials` if the key is missing, or cannot be one. Nothing is asked of the service yet."""
    key = settings.key.reveal().strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise BadCredentials(
            "the key of Anthropic is blank, or has letters that no key has", hint="check what `key` of the connection names"
        )
    timeout = settings.timeout.total_seconds()
    # In a thread, because it reads the certificates of this machine.
    client = await asyncio.to_thread(AsyncAnthropic, api_key=key, base_url=settings.base_url, max_retries=0, timeout=timeout)
    async with client:
        yield AnthropicModel(settings, client, key)


async def check(settings: Settings) -> str:
    """Prove that the service answers, and knows the key and the model. Tells when the model ends, if the client knows."""
    end = DEPRECATED_MODELS.get(settings.model)
    async with opened(settings) as model:
        await model.prove()
        return f"{model.place}{f'; it ends on {end}' if end else ''}"
