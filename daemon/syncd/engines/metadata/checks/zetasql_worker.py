"""A process of its own that analyses queries of BigQuery with ZetaSQL, Google's own analyser, which comes as WebAssembly.

Standard input has a line of settings (`folder` for the compiled module, `memory` in bytes, `tables`), then a line for each query; all
lines are JSON. A table has a `path` of one or more names, `columns` and `pseudo` columns; a column `name`, `type`, `repeated` and
`fields`. Standard output answers the first line with `{}`, or with `error` if it cannot begin; each further one with what is wrong with
the query, empty if nothing is, or null if there is no telling.

It is run by its path, and imports none of our modules. Compiling takes a minute and a gigabyte, so what came of it is kept in `folder`.
It speaks to the library below its Python classes: those move each byte of a message alone, and make an object of each node of an answer.
"""

import ctypes
import json
import os
import re
import resource
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wasmtime import Engine, Module, WasmtimeError
from zetasql.core import wasm_client
from zetasql.core.exceptions import ServerError, StatusCode
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2 as options
from zetasql.wasi._pb2.zetasql.proto import simple_catalog_pb2 as catalogs
from zetasql.wasi._pb2.zetasql.public import type_pb2 as types
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_node_kind_pb2 as nodes

_ROOM = 2 << 30
"""Until it is ready: compiling takes a gigabyte."""
_KINDS = {
    "BIGDECIMAL": "BIGNUMERIC",
    "BOOLEAN": "BOOL",
    "DECIMAL": "NUMERIC",
    "FLOAT": "DOUBLE",
    "FLOAT64": "DOUBLE",
    "INTEGER": "INT64",
}
"""Names of types that ZetaSQL has others for."""
_FOREIGN = ("ST_", "ML.", "NET.", "KEYS.", "AEAD.", "HLL_COUNT.", "AI.", "FHOFFA")
"""Functions that BigQuery has beyond ZetaSQL begin so."""


class Compiled:
    """Stands for `Module` of wasmtime: compiles once, then loads what has been kept."""

    folder = Path()
    has_compiled = False
    """What compiling took is not all given back, so this process needs its room to the end."""

    @classmethod
    def from_file(cls, engine: Engine, path: str) -> Module:
        kept = cls.folder / f"zetasql-{version('zetasql')}-wasmtime-{version('wasmtime')}.module"
        try:
            return Module.deserialize_file(engine, str(kept))
        except WasmtimeError:
            kept.unlink(missing_ok=True)  # who waits for us waits longer where there is none
            cls.has_compiled = True
            os.nice(5)
            module = Module.from_file(engine, path)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(module.serialize())
        fresh.replace(kept)
        return module


class Client(wasm_client.WasmClient):  # type: ignore[misc]  # it has no types
    """Moves the bytes of a message together."""

    def write_bytes(self, ptr: int, data: bytes) -> None:
        ctypes.memmove(self._address(ptr), data, len(data))

    def read_bytes(self, ptr: int, size: int) -> bytes:
        return ctypes.string_at(self._address(ptr), size)

    def _address(self, ptr: int) -> int:
        return ctypes.addressof(self.memory.data_ptr().contents) + ptr


class Analyser:
    def __init__(self, settings: dict[str, Any]) -> None:
        Compiled.folder = Path(settings["folder"])
        wasm_client.Module = Compiled
        self._client = Client(get_wasm_path())
        self._options = self._language()
        self._unknown = frozenset(_unknown([each for table in settings["tables"] for each in table["columns"]]))
        self._catalog = self._registered(settings["tables"])

    def _language(self) -> Any:
        """All that is released, in the way that the public product has it; queries only."""
        asked = service.LanguageOptionsRequest(maximum_features=True)
        language = self._client.call_grpc_func("ZetaSqlLocalService_GetLanguageOptions", asked, options.LanguageOptionsProto)
        language.product_mode = 1  # PRODUCT_EXTERNAL
        del language.supported_statement_kinds[:]
        language.supported_statement_kinds.append(nodes.RESOLVED_QUERY_STMT)
        return language

    def _registered(self, tables: list[dict[str, Any]]) -> int:
        root = catalogs.SimpleCatalogProto(name="warehouse")
        root.builtin_function_options.language_options.CopyFrom(self._options)
        for table in tables:
            _add(root, table["path"], table)
        request = service.RegisterCatalogRequest(simple_catalog=root)
        answer = self._client.call_grpc_func("ZetaSqlLocalService_RegisterCatalog", request, service.RegisterResponse)
        return int(answer.registered_id)

    def opinion(self, query: str) -> str | None:
        request = service.AnalyzeRequest(sql_statement=query, registered_catalog_id=self._catalog)
        request.options.language_options.CopyFrom(self._options)
        request.options.default_timezone = "UTC"
        request.options.error_message_mode = 1  # ERROR_MESSAGE_ONE_LINE
        try:
            self._client._call_grpc_method("ZetaSqlLocalService_Analyze", request.SerializeToString())  # noqa: SLF001 - see above
        except ServerError as error:
            said = {word.upper() for word in re.findall(r"\w+", error.message)}
            return None if said & self._unknown else _opinion(error)
        return ""


def _add(catalog: Any, path: list[str], table: dict[str, Any]) -> None:
    """A table into a catalog, or into one inside of it."""
    first, *rest = path
    if rest:
        inner = next((each for each in catalog.catalog if each.name.lower() == first.lower()), None)
        if inner is None:
            inner = catalog.catalog.add(name=first)
        _add(inner, rest, table)
        return
    added = catalog.table.add(name=first)
    for pseudo in (False, True):
        for column in table["pseudo" if pseudo else "columns"]:
            kind = _type(column)
            if kind is not None:
                added.column.add(name=column["name"], type=kind, is_pseudo_column=pseudo)


def _type(column: dict[str, Any]) -> Any:
    """None for a type that ZetaSQL has not."""
    kind = _struct(column["fields"]) if column["fields"] else _scalar(column["type"])
    if kind is None or not column["repeated"]:
        return kind
    return types.TypeProto(type_kind=types.TYPE_ARRAY, array_type=types.ArrayTypeProto(element_type=kind))


def _unknown(columns: list[dict[str, Any]]) -> Iterator[str]:
    """Names of columns and fields that are left out, because ZetaSQL has no such type."""
    for column in columns:
        if _type(column) is None:
            yield column["name"].upper()
        yield from _unknown(column["fields"])


def _struct(fields: list[dict[str, Any]]) -> Any:
    kinds = [(field["name"], _type(field)) for field in fields]
    known = [types.StructFieldProto(field_name=name, field_type=kind) for name, kind in kinds if kind is not None]
    return types.TypeProto(type_kind=types.TYPE_STRUCT, struct_type=types.StructTypeProto(field=known))


def _scalar(name: str) -> Any:
    word = name.partition("(")[0].strip().upper()
    kind = f"TYPE_{_KINDS.get(word, word)}"
    return types.TypeProto(type_kind=types.TypeKind.Value(kind)) if kind in types.TypeKind.keys() else None  # noqa: SIM118 - no dict


def _opinion(error: ServerError) -> str | None:
    """None where the fault may be that something of BigQuery is not known here."""
    text = " ".join(error.message.split())
    if error.code not in (StatusCode.INVALID_ARGUMENT, StatusCode.OUT_OF_RANGE):
        return None
    missing = text.partition(" not found: ")[2].upper()
    foreign = text.startswith(("Table", "Type")) or "." in missing.partition(";")[0].partition(" [")[0] or missing.startswith(_FOREIGN)
    return None if missing and foreign else text


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the library prints there too
    settings = json.loads(sys.stdin.readline())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (_ROOM, _ROOM))
    try:
        analyser = Analyser(settings)
    except (OSError, ServerError, WasmtimeError) as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"[:500]}), file=answers, flush=True)
        return
    # The memory of WebAssembly counts too; wasmtime has no limit of its own for one that threads may share.
    if not Compiled.has_compiled:
        resource.setrlimit(resource.RLIMIT_DATA, (settings["memory"],) * 2)
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(analyser.opinion(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
