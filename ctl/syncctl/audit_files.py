"""Copies of the audit log: received, checked against what was announced, and put into their place with what vouches for them."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import click
from google.protobuf.json_format import MessageToDict

from syncapi.v1.audit_pb2 import AuditManifest, ExportAuditResponse
from syncctl.problems import Exit, Problem

_HASH_LETTERS = 64


def received(parts: Iterator[ExportAuditResponse], file: Path | None) -> AuditManifest:
    """Write the bytes to a file, or to standard output; answers the manifest. Raises `Problem` if they are not what was announced."""
    if file is None:
        return _written(parts, sys.stdout.buffer)
    with _replacing(file) as onto:
        manifest = _written(parts, onto)
    with _replacing(file.with_name(f"{file.name}.manifest.json")) as onto:
        onto.write(_text(manifest).encode())
    return manifest


def noted(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, str]:
    """Read `SEQ:HASH`; 0 and nothing if it is not given."""
    del ctx, param
    if value is None:
        return 0, ""
    sequence, _, own = value.partition(":")
    if not sequence.isdecimal() or len(own) != _HASH_LETTERS or int(sequence) < 1:
        raise Problem(f"'{value}' is no SEQ:HASH", hint="`syncctl audit verify` ends with one", code=Exit.USAGE)
    return int(sequence), own.lower()


def _written(parts: Iterator[ExportAuditResponse], onto: BinaryIO) -> AuditManifest:
    sha256 = hashlib.sha256()
    for part in parts:
        if part.HasField("manifest"):
            onto.flush()
            if sha256.hexdigest() != part.manifest.sha256:
                raise Problem("the bytes are not those that the daemon announced", hint="ask again")
            return part.manifest
        sha256.update(part.chunk)
        onto.write(part.chunk)
    raise Problem("the copy is not complete", hint="the daemon is shutting down; ask again later")


def _text(manifest: AuditManifest) -> str:
    """The manifest as it stands beside the sealed files, too: names as on the wire, numbers as numbers."""
    members = MessageToDict(manifest, always_print_fields_with_no_presence=True, preserving_proto_field_name=True)
    numbers = {name: int(members[name]) for name in ("rows", "first", "last")}
    return json.dumps({**members, **numbers}, indent=2, sort_keys=True) + "\n"


@contextmanager
def _replacing(file: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of another one when it is complete. Raises `Problem`."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with beside.open("wb") as onto:
            yield onto
        beside.replace(file)
    except OSError as error:
        raise Problem(f"{file} cannot be written: {error.strerror}", hint="the folder has to exist, and be yours to write in") from error
    finally:
        with suppress(OSError):
            beside.unlink()
