"""Anthropic's Messages API as a language model: everything that syncd knows about it stands in this package.

Where it, or its official client, surprises:

- A stream that is cut ends like a complete one, without an error: only `stop_reason` is missing.
- A successful answer of another form becomes a message full of None, or an error of the JSON parser. Answers are read here, from their
  text, so that what they cost is known whatever else is wrong with them.
- `retry-after` may ask for any time; the official client would sleep it. It does not try again here at all.
- What the service keeps of a prompt is found again by equal bytes from the beginning on, the form of the answer included.
- Nothing tells prices: they are settings. What is not known is told as unknown, never as nothing.

Described in platform.claude.com/docs/en/api (messages, errors, streaming, prompt caching, structured outputs).
"""

from syncd.connectors.anthropic.model import check, opened
from syncd.connectors.anthropic.settings import Settings
from syncd.ports.connecting import Connector

CONNECTOR = Connector(settings=Settings, check=check, model=opened)
