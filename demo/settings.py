"""The settings file of the demo, as a person would write it."""

from pathlib import Path

TARGETS = ("meilisearch", "fts5")

_CONNECTION = {
    "meilisearch": """\
[connections.search]
kind = "meilisearch"
url = "{url}"
key = {{ file = "meilisearch.key" }}       # secrets are named here, never written
wide_rows = 20_000                       # rows under way at once; fewer than by default, so that the progress bar moves
""",
    "fts5": """\
[connections.search]
kind = "fts5"                            # SQLite FTS5: one file, no server
path = "search.db"
""",
}
_INDEX = {
    "meilisearch": """
[syncs.products.target.settings]         # go to the index as they are
searchableAttributes = ["title", "title_ko", "text", "text_ko"]
filterableAttributes = ["category", "price"]
proximityPrecision = "byAttribute"       # loads about three times faster than the server's default, "byWord"
""",
    "fts5": "",
}
_TEXT = """\
# Written by `make demo`. Try: syncd --settings {file} --check

[daemon]
state_dir = "state"

[[listen]]
socket = "state/syncd.sock"

[connections.shop]
kind = "duckdb"
path = "shop.duckdb"

{connection}
[syncs.products]
engine = "search"
manual = true                            # the tour starts each run; every = "5m" would leave it to the clock

[syncs.products.source]
connection = "shop"
table = "products"
key = ["id"]
watermark = "modified_date"
deletions.soft = "deleted"

[syncs.products.target]
connection = "search"
index = "products"
{index}
[syncs.products.mapping]                 # field of the document = SQL over the row
id = "id"
title = "trim(name)"
title_ko = "name_ko"
text = "description"
text_ko = "description_ko"
category = "category"
price = "cast(price as double)"
tags = "tags"
modified = "epoch(modified_date)"

[syncs.ai]                               # the configurations of two AI coding clients, in a home each
engine = "clients"
policy = "manual-review"                 # what two change differently waits for a person

[syncs.ai.sides.claude]
client = "claude"
home = "homes/claude"

[syncs.ai.sides.codex]
client = "codex"
home = "homes/codex"

[connections.warehouse]
kind = "duckdb"                          # or bigquery, or oracle
path = "warehouse.duckdb"

[connections.caches]
kind = "folder"                          # or gcs
path = "metadata"

[syncs.warehouse_metadata]               # what a text-to-SQL application has to know of a warehouse
engine = "metadata"
source = {{ connection = "warehouse", schemas = ["main"] }}
target = {{ connection = "caches", object = "metadata_cache.json" }}
refresh = {{ daily = "02:00", weekly_full = "Sunday", check_every = "1s", timezone = "Asia/Seoul" }}
"""


def settings(file: Path, target: str, url: str) -> str:
    """The text of the settings file at `file`; `url` is where Meilisearch answers, if that is the target."""
    return _TEXT.format(file=file, connection=_CONNECTION[target].format(url=url), index=_INDEX[target])
