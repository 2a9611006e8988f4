"""The objects of one folder of a bucket."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from google.api_core.exceptions import NotFound as NotThere
from google.api_core.exceptions import NotModified, PreconditionFailed
from google.cloud.storage import Blob, Bucket, Client

from syncd.connectors.gcs import rules
from syncd.connectors.gcs.calling import Caller, Deed
from syncd.domain.errors import TargetMismatch
from syncd.ports.objects import GenerationChanged, ObjectInfo, StoredObject

_PAGE = 1000
_GET = "storage.objects.get"
_LIST = "storage.objects.list"
_CREATE = "storage.objects.create"
_DELETE = "storage.objects.delete"
RIGHTS = (_CREATE, _DELETE, _GET, _LIST)
"""All permissions that a store needs. Writing over an object needs the one to delete it."""


class GcsStore:
    """Each call is one piece of work in a thread, with all the requests that it takes, so that one limit of time holds for all of them."""

    def __init__(self, client: Client, caller: Caller, bucket: str, prefix: str) -> None:
        self._client = client
        self._caller = caller
        self._bucket: Bucket = client.bucket(bucket)
        self._prefix = prefix
        self._bounds: dict[str, Any] = {"timeout": caller.patience, "retry": None}

    async def stat(self, name: str) -> ObjectInfo | None:
        deed = Deed(f"looking at {self._place(name)}", f"{_GET}, {_LIST}")
        return await self._caller.call(deed, lambda: self._look(name))

    async def get(self, name: str, unless: int = 0) -> StoredObject | None:
        def work() -> StoredObject | None:
            try:
                info = self._look(name, unless)
            except NotModified:
                return None
            return self._read(info) if info else None

        return await self._caller.call(Deed(f"reading {self._place(name)}", f"{_GET}, {_LIST}"), work)

    async def put(self, name: str, content: bytes, expected: int, write_id: str, labels: Mapping[str, str]) -> ObjectInfo:
        metadata = rules.metadata_of(write_id, hashlib.sha256(content).hexdigest(), labels)
        kind = "application/json" if name.endswith(".json") else "application/octet-stream"

        def work() -> ObjectInfo:
            blob = self._blob(name)
            blob.metadata = metadata
            try:
                blob.upload_from_string(content, kind, if_generation_match=expected, checksum="crc32c", **self._bounds)
            except NotThere:
                raise self._no_bucket() from None
            except PreconditionFailed:
                found = self._look(name)
                if found and write_id and found.write_id == write_id:
                    return found
                raise self._changed(name, expected, found) from None
            return rules.info_of(name, blob)

        return await self._caller.call(Deed(f"writing {self._place(name)}", _CREATE), work)

    async def copy(self, source: str, generation: int, name: str) -> ObjectInfo:
        conditions = {"source_generation": generation, "if_source_generation_match": generation, "if_generation_match": 0}

        def work() -> ObjectInfo:
            origin, target = self._blob(source), self._blob(name)
            try:
                copy = self._bucket.copy_blob(origin, self._bucket, target.name, **conditions, **self._bounds)
            except (PreconditionFailed, NotThere):
                if there := self._look(name):
                    return there
                raise self._changed(source, generation, self._look(source)) from None
            return rules.info_of(name, copy)

        deed = Deed(f"copying {self._place(source)} to {self._place(name)}", f"{_GET}, {_CREATE}")
        return await self._caller.call(deed, work)

    async def list(self, prefix: str) -> Sequence[ObjectInfo]:
        fields = "items(name,generation,size,updated,metadata),nextPageToken"

        def work() -> list[ObjectInfo]:
            try:
                blobs = self._client.list_blobs(self._bucket, prefix=self._prefix + prefix, page_size=_PAGE, fields=fields, **self._bounds)
                return [rules.info_of(blob.name.removeprefix(self._prefix), blob) for blob in blobs if not blob.name.endswith("/")]
            except NotThere:
                raise self._no_bucket() from None

        return await self._caller.call(Deed(f"listing {self._place(prefix)}", _LIST), work)

    async def delete(self, name: str, generation: int) -> None:
        def work() -> None:
            try:
                self._blob(name).delete(if_generation_match=generation, **self._bounds)
            except PreconditionFailed:
                return
            except NotThere:
                self._ask_for_bucket()

        await self._caller.call(Deed(f"deleting {self._place(name)}", _DELETE), work)

    async def touch(self) -> None:
        """Prove that the bucket is there and can be listed."""
        await self._caller.call(Deed(f"listing {self._place('')}", _LIST), self._ask_for_bucket)

    async def missing_rights(self) -> Sequence[str]:
        """Those permissions that the account has not on the whole bucket; a condition may still grant them on a part."""

        def work() -> Sequence[str]:
            held = self._bucket.test_iam_permissions(list(RIGHTS), **self._bounds)
            return [right for right in RIGHTS if right not in held]

        return await self._caller.call(Deed(f"asking for permissions on the bucket {self._bucket.name}", _LIST), work)

    def _look(self, name: str, unless: int = 0) -> ObjectInfo | None:
        """What is known of an object; None if there is none. Raises `NotModified` if it is still of the generation `unless`."""
        blob = self._blob(name)
        try:
            blob.reload(if_generation_not_match=unless or None, **self._bounds)
        except NotThere:
            self._ask_for_bucket()
            return None
        return rules.info_of(name, blob)

    def _read(self, info: ObjectInfo) -> StoredObject:
        """The content of the generation that was looked at.

        It is asked for anew, because a blob that was looked at follows the link of that answer, which may lead past `endpoint`.
        """
        try:
            content: bytes = self._blob(info.name, info.generation).download_as_bytes(checksum="crc32c", **self._bounds)
        except NotThere as error:
            raise rules.WrittenMeanwhile from error
        return StoredObject(replace(info, size=len(content), sha256=hashlib.sha256(content).hexdigest()), content)

    def _ask_for_bucket(self) -> None:
        """Ask for one name of an object. Raises `TargetMismatch` if there is no such bucket, which no other answer tells for sure."""
        try:
            list(self._client.list_blobs(self._bucket, prefix=self._prefix, max_results=1, fields="items(name)", **self._bounds))
        except NotThere:
            raise self._no_bucket() from None

    def _blob(self, name: str, generation: int | None = None) -> Blob:
        rules.refuse_bad_name(name)
        return self._bucket.blob(self._prefix + name, generation=generation)

    def _place(self, name: str) -> str:
        return f"gs://{self._bucket.name}/{self._prefix}{name}"

    def _changed(self, name: str, expected: int, found: ObjectInfo | None) -> GenerationChanged:
        now = f"of generation {found.generation}" if found else "not there"
        wanted = f"generation {expected}" if expected else "no such object"
        return GenerationChanged(f"{self._place(name)} is {now}; expected {wanted}")

    def _no_bucket(self) -> TargetMismatch:
        return TargetMismatch(
            f"there is no bucket {self._bucket.name}", hint="make it, or name another one as `bucket`; see `endpoint` and `credentials` too"
        )
