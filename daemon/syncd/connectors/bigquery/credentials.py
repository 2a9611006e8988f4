"""Who we are for BigQuery: a service account, the Application Default Credentials, or nobody."""

import json
from typing import Any

import google.auth
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import service_account
from requests import Session
from requests.adapters import HTTPAdapter

from syncd.connectors.bigquery.settings import Settings
from syncd.domain.errors import BadCredentials

_SCOPES = ("https://www.googleapis.com/auth/bigquery",)
"""The read-only scope does not allow dry runs."""


def session(settings: Settings) -> Session:
    """A session that signs its requests; it opens connections on first use. May block for a while. Raises `BadCredentials`."""
    seconds = settings.timeout.total_seconds()
    opened = AuthorizedSession(_credentials(settings), refresh_timeout=seconds)  # type: ignore[no-untyped-call]
    opened.mount("https://", HTTPAdapter(pool_maxsize=settings.readers))
    opened.mount("http://", HTTPAdapter(pool_maxsize=settings.readers))
    made: Session = opened
    return made


def _credentials(settings: Settings) -> Any:
    if settings.credentials is not None:
        return _service_account(settings.credentials.reveal())
    if settings.endpoint is not None:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    try:
        found, _ = google.auth.default(scopes=_SCOPES)
    except GoogleAuthError as error:
        raise BadCredentials(
            "there are no usable Application Default Credentials on this machine",
            hint="give `credentials`, the key file of a service account by reference, or run: gcloud auth application-default login",
        ) from error
    return found


def _service_account(text: str) -> Any:
    try:
        return service_account.Credentials.from_service_account_info(json.loads(text), scopes=_SCOPES)  # type: ignore[no-untyped-call]
    except (GoogleAuthError, ValueError, TypeError, KeyError, AttributeError):
        # What it says may quote the key.
        raise BadCredentials(
            "`credentials` is not the key of a service account",
            hint='expected the JSON text of a key file, with "type": "service_account", "client_email" and "private_key"',
        ) from None
