"""A webhook: one POST a message.

The standard library's client is enough, and knows proxies and certificates. It follows a redirect by turning a POST into a GET, which
would lose the message without a word: here a redirect is a failure.
"""

import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

from syncd.kit.threads import in_own_thread
from syncd.observe.notify.errors import NotDelivered
from syncd.settings.notify import NotifySection

_SECONDS = 10.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


async def post(section: NotifySection, body: bytes) -> None:
    """Deliver a message. Raises `NotDelivered`, or `BadCredentials` if a secret cannot be read. The address never stands in an error."""
    await in_own_thread(lambda: _post(section, body))


def _post(section: NotifySection, body: bytes) -> None:
    url = section.webhook_secret.reveal() if section.webhook_secret else str(section.webhook)
    headers = {"Content-Type": "application/json", "User-Agent": "syncd"}
    if section.token:
        headers["Authorization"] = f"Bearer {section.token.reveal()}"
    if not url.startswith(("https://", "http://")):
        raise NotDelivered("the secret of 'webhook_secret' is no web address", hint="it holds the whole address, with https://")
    try:
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - the scheme has just been looked at
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=_SECONDS):
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise NotDelivered(f"the webhook answered {error.code}", hint="check its address and token") from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NotDelivered(f"the webhook cannot be reached: {type(reason).__name__}", hint="check its address") from None
