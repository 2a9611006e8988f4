"""Which analysers this installation has."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from syncd.engines.metadata.checks.analysers import Analyser
from syncd.engines.metadata.checks.catalog import Catalog
from syncd.engines.metadata.checks.replica import ReplicaAnalyser


def analysers_for(catalog: Catalog, folder: Path) -> Sequence[Analyser]:
    """Those that know the dialect of a catalog and are installed, the best first.

    `folder` keeps what is slow to make. Nobody else may write there: it is code.
    """
    if catalog.dialect == "duckdb":
        return (ReplicaAnalyser(catalog),)
    return tuple(_installed(catalog, folder))


def _installed(catalog: Catalog, folder: Path) -> Iterator[Analyser]:
    if catalog.dialect == "bigquery" and find_spec("zetasql"):
        from syncd.engines.metadata.checks.zetasql_analyser import ZetasqlAnalyser  # noqa: PLC0415 - an extra

        yield ZetasqlAnalyser(catalog, folder, version("zetasql"))
    if find_spec("sqlglot"):
        from syncd.engines.metadata.checks.sqlglot_analyser import SqlglotAnalyser  # noqa: PLC0415 - an extra

        yield SqlglotAnalyser(catalog)
