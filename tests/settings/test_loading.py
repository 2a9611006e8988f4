import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from syncd import catalogue
from syncd.domain.run import SyncName
from syncd.domain.schedule import Cron, Every, Manual, Schedule
from syncd.settings.load import load
from syncd.settings.sync import Offer, Role, Use
from tests.settings.world import CopySync, FileSection, Written

GOOD = """
[connections.shop]
kind = "file"
path = "shop.db"
[connections.index]
kind = "both"
path = "/var/index"
[syncs.products]
engine = "copy"
source = { connection = "shop" }
to = "index"
"""


def test_connections_and_syncs_are_read_into_their_own_sections(written: Written) -> None:
    settings = written.main(GOOD).load()

    shop = settings.connections["shop"]
    products = settings.syncs[SyncName("products")].section
    assert shop.kind == "file"
    assert isinstance(shop.section, FileSection)
    assert isinstance(products, CopySync)
    assert products.uses() == (Use(Role.SOURCE, Offer.ROWS, "shop", "source.connection"), Use(Role.TARGET, Offer.INDEXES, "index", "to"))
    assert settings.syncs[SyncName("products")].kind.scheduled_mode == "incremental"


def test_relative_paths_begin_at_the_folder_of_the_settings_file(written: Written, tmp_path: Path) -> None:
    written.main('[daemon]\nstate_dir = "lib"\n[[listen]]\nsocket = "run/s"')

    settings = written.part("a.toml", GOOD).load()

    assert settings.connections["shop"].section.path == tmp_path / "shop.db"
    assert settings.connections["index"].section.path == Path("/var/index")
    assert settings.daemon.state_dir == tmp_path / "lib"
    assert settings.listen[0].socket == tmp_path / "run/s"


def test_a_settings_file_named_by_a_relative_path_gives_absolute_paths(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.main(GOOD)
    monkeypatch.chdir(tmp_path)

    settings = Written(Path()).load()

    assert settings.file == tmp_path / "syncd.toml"
    assert settings.connections["shop"].section.path == tmp_path / "shop.db"


def test_an_empty_file_gives_the_defaults(written: Written, tmp_path: Path) -> None:
    settings = written.main("").load()

    assert settings.daemon.state_dir == tmp_path / "state"
    assert settings.daemon.concurrency == 4
    assert settings.daemon.stop_timeout == timedelta(seconds=30)
    assert settings.daemon.retry.attempts == 10
    assert [listen.socket for listen in settings.listen] == [tmp_path / "state/syncd.sock"]
    assert settings.syncs == {}


def test_the_parts_are_merged_in_order_of_name(written: Written) -> None:
    written.main('[connections.shop]\nkind = "file"\n[syncs.z]\nengine = "copy"\nsource = { connection = "shop" }')
    written.part("20-b.toml", '[syncs.b]\nengine = "copy"\nsource = { connection = "shop" }')

    settings = written.part("10-a.toml", '[connections.shop]\npath = "x"\n[syncs.a]\nengine = "copy"\nsource.connection = "shop"').load()

    assert list(settings.syncs) == ["z", "a", "b"]
    assert settings.connections["shop"].section.path.name == "x"


@pytest.mark.parametrize("name", ["old.toml.bak", ".#10-shop.toml", "README"])
def test_only_visible_files_named_toml_are_parts(written: Written, name: str) -> None:
    settings = written.main(GOOD).part(name, "broken [").load()

    assert list(settings.syncs) == ["products"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("", Every(timedelta(minutes=5)), id="nothing: every five minutes"),
        pytest.param('every = "90s"', Every(timedelta(seconds=90)), id="an interval"),
        pytest.param('cron = "0 2 * * *"\ntimezone = "Asia/Seoul"', Cron("0 2 * * *", "Asia/Seoul"), id="a cron in its zone"),
        pytest.param('cron = "0 2 * * *"', Cron("0 2 * * *", "UTC"), id="a cron in UTC"),
        pytest.param("manual = true", Manual(), id="manual"),
        pytest.param("manual = false", Every(timedelta(minutes=5)), id="not manual: every five minutes"),
    ],
)
def test_a_sync_has_one_schedule(written: Written, given: str, expected: Schedule) -> None:
    settings = written.main(f'{GOOD}\n[syncs.other]\nengine = "copy"\nsource.connection = "shop"\n{given}').load()

    assert settings.syncs[SyncName("other")].section.schedule == expected


def test_a_sync_may_have_its_own_retries_and_mode(written: Written) -> None:
    text = '[syncs.b]\nengine = "copy"\nsource.connection = "shop"\nmode = "full"\nretry = { attempts = 3, most = "5s" }'

    section = written.main(GOOD + text).load().syncs[SyncName("b")].section

    assert section.mode == "full"
    assert section.retry is not None
    assert (section.retry.attempts, section.retry.first, section.retry.most) == (3, timedelta(seconds=1), timedelta(seconds=5))


def test_secrets_are_not_read(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_VARIABLE", raising=False)

    settings = written.main('[connections.s]\nkind = "server"\nurl = "x"\nlogin = { env = "NO_SUCH_VARIABLE" }').load()

    assert settings.connections["s"].section.login.env == "NO_SUCH_VARIABLE"


def test_a_connection_that_nobody_uses_is_fine(written: Written) -> None:
    settings = written.main('[connections.shop]\nkind = "file"\npath = "x"').load()

    assert list(settings.connections) == ["shop"]


def test_a_thousand_syncs_load_in_less_than_two_seconds(written: Written) -> None:
    one = '[syncs.table-{}]\nengine = "copy"\nto = "index"\n[syncs.table-{}.source]\nconnection = "shop"\ncolumns = ["id", "name"]\n'
    written.main(GOOD + "".join(one.replace("{}", str(number)) for number in range(1000)))
    began = time.process_time()

    settings = written.load()

    assert len(settings.syncs) == 1001
    assert time.process_time() - began < 2


def test_a_socket_path_may_fill_the_address(written: Written) -> None:
    longest = "/" + "s" * 106

    settings = written.main(f'[[listen]]\nsocket = "{longest}"').load()

    assert len(os.fsencode(settings.listen[0].place)) == 107


AS_IN_THE_MANUAL = """
[daemon]
state_dir = "state"                       # relative to the settings file
[[listen]]
socket = "state/syncd.sock"

[connections.shop]
kind = "duckdb"
path = "shop.duckdb"                      # tables, views, and views over Parquet/CSV alike
[connections.search]
kind = "meilisearch"
url = "http://127.0.0.1:7700"
key = { env = "MEILI_MASTER_KEY" }
[connections.local]
kind = "fts5"                             # the embedded default target: SQLite FTS5, one file
path = "state/search.db"

[syncs.products]
engine = "search"
every = "5m"                              # default 5m; or cron = "0 2 * * *" with timezone = "Asia/Seoul"; or manual = true
batch_rows = 1000                         # default 1000
[syncs.products.source]
connection = "shop"
table = "products"                        # or query = "select …"
key = ["id"]                              # several columns make a composite document id
watermark = "modified_date"
lookback = "30s"
[syncs.products.source.deletions]
soft = "deleted = true"
[syncs.products.target]
connection = "search"
index = "products"
[syncs.products.target.settings]          # passed to the index as they are
filterableAttributes = ["category", "price"]
[syncs.products.mapping]                  # target field = SQL over the source columns
id = "id"
title = "trim(name)"
price = "cast(price as double)"
modified = "epoch(modified_date)"
"""


@pytest.mark.parametrize(
    "deletions",
    [
        'soft = "deleted = true"',
        'log = { table = "products_deleted", key = ["id"], at = "deleted_at" }',
        'reconcile = "24h"',
    ],
)
def test_a_search_sync_loads_with_the_real_plug_ins(tmp_path: Path, deletions: str) -> None:
    file = tmp_path / "syncd.toml"
    file.write_text(AS_IN_THE_MANUAL.replace('soft = "deleted = true"', deletions))

    settings = load(file, catalogue)

    products = settings.syncs[SyncName("products")].section
    assert [(use.role, use.connection) for use in products.uses()] == [(Role.SOURCE, "shop"), (Role.TARGET, "search")]
    assert {name: connection.kind for name, connection in settings.connections.items()} == {
        "shop": "duckdb",
        "search": "meilisearch",
        "local": "fts5",
    }
    assert settings.listen[0].socket == tmp_path / "state/syncd.sock"
