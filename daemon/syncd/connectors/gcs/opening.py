"""How a bucket is opened and checked."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import google.auth
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud.storage import Client
from google.oauth2.service_account import Credentials
from requests import Session

from syncd.connectors.gcs.calling import Caller
from syncd.connectors.gcs.line import Adapter
from syncd.connectors.gcs.settings import GOOGLE, Settings
from syncd.connectors.gcs.store import GcsStore
from syncd.domain.errors import BadCredentials, SyncdError
from syncd.kit.threads import in_thread
from syncd.ports.objects import ObjectStore

_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_CONNECTIONS = 32


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[GcsStore]:
    credentials = await in_thread(lambda: _credentials(settings))
    client = await in_thread(lambda: _client(settings, credentials), late=Client.close)
    try:
        yield GcsStore(client, Caller(settings.timeout.total_seconds()), settings.bucket, settings.prefix)
    finally:
        await asyncio.to_thread(client.close)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[ObjectStore]:
    async with _store(settings) as store:
        yield store


async def check(settings: Settings) -> str:
    """Prove that the bucket is there and can be listed, and tell which permissions the account seems to lack."""
    place = f"the bucket {settings.bucket}" + (f", folder {settings.prefix}" if settings.prefix else "")
    async with _store(settings) as store:
        await store.touch()
        if settings.endpoint != GOOGLE:
            return f"{place}, at {settings.endpoint}"
        try:
            missing = await store.missing_rights()
        except SyncdError:
            return f"{place}; its permissions cannot be asked for"
    return f"{place}; not granted on the whole bucket: {', '.join(missing)}" if missing else f"{place}, all permissions granted"


def _credentials(settings: Settings) -> Any:
    if settings.anonymous:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    if settings.credentials is None:
        try:
            return google.auth.default(scopes=[_SCOPE])[0]
        except GoogleAuthError as error:
            raise BadCredentials(
                "there are no application default credentials for Cloud Storage",
                hint="run `gcloud auth application-default login` as syncd's user, attach a service account, or give `credentials`",
            ) from error
    text = settings.credentials.reveal()
    try:
        return Credentials.from_service_account_info(json.loads(text), scopes=[_SCOPE])  # type: ignore[no-untyped-call]
    except (ValueError, AttributeError, TypeError, GoogleAuthError):
        # Without a cause: its text may quote the key.
        raise BadCredentials(
            "`credentials` is not the JSON key of a service account",
            hint="give the whole file that `gcloud iam service-accounts keys create` makes",
        ) from None


def _client(settings: Settings, credentials: Any) -> Client:
    auth_request = Request(_cuttable(Session()))
    session = AuthorizedSession(credentials, auth_request=auth_request, max_refresh_attempts=1)  # type: ignore[no-untyped-call]
    client = Client(
        project=settings.project or getattr(credentials, "project_id", None) or "none",
        credentials=credentials,
        client_options={"api_endpoint": settings.endpoint},
        _http=_cuttable(session),
    )
    # Otherwise it asks for the bucket by itself, to name it in traces: in a thread without an end, with a permission that we do not need.
    client._bucket_metadata_cache = None  # noqa: SLF001
    return client


def _cuttable(session: Any) -> Any:
    for scheme in ("http://", "https://"):
        session.mount(scheme, Adapter(pool_connections=4, pool_maxsize=_CONNECTIONS))
    return session
