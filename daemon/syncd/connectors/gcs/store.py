"""The objects of one folder of a bucket."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from google.cloud.storage import Blob, Bucket, Client

from syncd.connectors.gcs import rules
from syncd.connectors.gcs.calling import Caller, Deed, NotModified, NotThere, PreconditionFailed
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
    def __init__(self, client: Client, caller: Caller, bucket: str, prefix: str) -> None:
        self._client = client
        self._caller = caller
        self._bucket: Bucket = client.bucket(bucket)
        self._prefix = prefix
        self._bounds: dict[str, Any] = {"timeout": caller.patience, "retry": None}

    async def stat(self, name: str) -> ObjectInfo | None:
        def work() -> ObjectInfo:
            blob = self._blob(name)
            blob.reload(**self._bounds)
            return rules.info_of(name, blob)

        try:
            return await self._caller.call(Deed(f"looking at {self._place(name)}", f"{_GET}, {_LIST}"), work)
        except NotThere:
            await self.touch()
            return None

    async def get(self, name: str, unless: int = 0) -> StoredObject | None:
        def work() -> StoredObject:
            blob = self._blob(name)
            blob.reload(if_generation_not_match=unless or None, **self._bounds)
            info = rules.info_of(name, blob)  # before the download, whose answer need not tell it again
            try:
                content: bytes = blob.download_as_bytes(checksum="crc32c", **self._bounds)
            except NotThere as error:  # of that generation
                raise rules.WrittenMeanwhile from error
            return StoredObject(replace(info, size=len(content), sha256=hashlib.sha256(content).hexdigest()), content)

        try:
            return await self._caller.call(Deed(f"reading {self._place(name)}", f"{_GET}, {_LIST}"), work)
        except NotModified:
            return None
        except NotThere:
            await self.touch()
            return None

    async def put(self, name: str, content: bytes, expected: int, write_id: str, labels: Mapping[str, str]) -> ObjectInfo:
        metadata = rules.metadata_of(write_id, hashlib.sha256(content).hexdigest(), labels)
        kind = "application/json" if name.endswith(".json") else "application/octet-stream"

        def work() -> ObjectInfo:
            blob = self._blob(name)
            blob.metadata = metadata
            blob.upload_from_string(content, kind, if_generation_match=expected, checksum="crc32c", **self._bounds)
            return rules.info_of(name, blob)

        try:
            return await self._caller.call(Deed(f"writing {self._place(name)}", _CREATE), work)
        except NotThere:
            raise self._no_bucket() from None
        except PreconditionFailed:
            found = await self.stat(name)
            if found and write_id and found.write_id == write_id:
                return found
            raise self._changed(name, expected, found) from None

    async def copy(self, source: str, generation: int, name: str) -> ObjectInfo:
        def work() -> ObjectInfo:
            copy = self._bucket.copy_blob(
                self._blob(source),
                self._bucket,
                self._blob(name).name,
                source_generation=generation,
                if_generation_match=0,
                if_source_generation_match=generation,
                **self._bounds,
            )
            return rules.info_of(name, copy)

        deed = Deed(f"copying {self._place(source)} to {self._place(name)}", f"{_GET}, {_CREATE}")
        try:
            return await self._caller.call(deed, work)
        except (PreconditionFailed, NotThere):
            if there := await self.stat(name):
                return there
            raise self._changed(source, generation, await self.stat(source)) from None

    async def list(self, prefix: str) -> Sequence[ObjectInfo]:
        def work() -> list[ObjectInfo]:
            blobs = self._client.list_blobs(
                self._bucket,
                prefix=self._prefix + prefix,
                page_size=_PAGE,
                fields="items(name,generation,size,updated,metadata),nextPageToken",
                **self._bounds,
            )
            return [rules.info_of(blob.name.removeprefix(self._prefix), blob) for blob in blobs if not blob.name.endswith("/")]

        try:
            return await self._caller.call(Deed(f"listing {self._place(prefix)}", _LIST), work)
        except NotThere:
            raise self._no_bucket() from None

    async def delete(self, name: str, generation: int) -> None:
        def work() -> None:
            self._blob(name).delete(if_generation_match=generation, **self._bounds)

        try:
            await self._caller.call(Deed(f"deleting {self._place(name)}", _DELETE), work)
        except PreconditionFailed:
            return
        except NotThere:
            await self.touch()

    async def touch(self) -> None:
        """Ask for one name of an object. Raises `TargetMismatch` if there is no such bucket."""

        def work() -> None:
            list(self._client.list_blobs(self._bucket, prefix=self._prefix, max_results=1, fields="items(name)", **self._bounds))

        try:
            await self._caller.call(Deed(f"listing {self._place('')}", _LIST), work)
        except NotThere:
            raise self._no_bucket() from None

    async def missing_rights(self) -> Sequence[str]:
        """Those permissions that the account has not on the whole bucket; a condition may still grant them on a part."""

        def work() -> Sequence[str]:
            held = self._bucket.test_iam_permissions(list(RIGHTS), **self._bounds)
            return [right for right in RIGHTS if right not in held]

        return await self._caller.call(Deed(f"asking for permissions on the bucket {self._bucket.name}", _LIST), work)

    def _blob(self, name: str) -> Blob:
        rules.refuse_bad_name(name)
        return self._bucket.blob(self._prefix + name)

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
