"""A shop to sync from: a DuckDB file with one table `products`, generated, the same for the same number of rows.

A DuckDB file is open for one process that writes or for many that read, so every function here waits until nobody reads.
`python -m demo.shop create FILE`, `… change FILE ID …` and `… delete FILE ID …` do the same from a shell.
"""

import argparse
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from syncd.kit.text import counted

ROWS = 50_000
TABLE = "products"
DELETED = "deleted"
"""Column that is true for a product that is no longer sold."""
WATERMARK = "modified_date"
"""Column that moves to now, in UTC, with every change. Ten products in a row begin with the same moment."""

_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.05

_CREATE = f"""
CREATE TABLE {TABLE} (
  id            BIGINT PRIMARY KEY,
  name          VARCHAR NOT NULL,
  name_ko       VARCHAR NOT NULL,
  description   VARCHAR,
  description_ko VARCHAR,
  category      VARCHAR NOT NULL,
  price         DECIMAL(12, 2) NOT NULL,
  stock         INTEGER NOT NULL,
  tags          VARCHAR[],
  {DELETED}     BOOLEAN NOT NULL DEFAULT FALSE,
  {WATERMARK}   TIMESTAMP NOT NULL
)
"""

_WORDS = """
CREATE TEMP TABLE things AS SELECT row_number() OVER () - 1 AS n, * FROM (VALUES
  ('kitchen', 'teapot', '찻주전자'),      ('kitchen', 'rice bowl', '밥그릇'),   ('kitchen', 'kimchi jar', '김치 항아리'),
  ('kitchen', 'kettle', '주전자'),        ('clothing', 'scarf', '목도리'),      ('clothing', 'hanbok', '한복'),
  ('clothing', 'raincoat', '비옷'),       ('clothing', 'slippers', '실내화'),   ('office', 'notebook', '공책'),
  ('office', 'fountain pen', '만년필'),   ('office', 'desk lamp', '책상 조명'), ('office', 'keyboard', '키보드'),
  ('garden', 'watering can', '물뿌리개'), ('garden', 'flower pot', '화분'),     ('garden', 'hammock', '해먹')
) AS words(category, en, ko);
CREATE TEMP TABLE kinds AS SELECT row_number() OVER () - 1 AS n, * FROM (VALUES
  ('Blue', '파란'),  ('Ivory', '상아색'), ('Green', '초록'), ('Black', '검은'), ('Wooden', '나무'),  ('Copper', '구리'),
  ('Linen', '리넨'), ('Woollen', '양모'), ('Small', '작은'), ('Large', '큰'),   ('Light', '가벼운'), ('Striped', '줄무늬')
) AS words(en, ko);
CREATE TEMP TABLE origins AS SELECT row_number() OVER () - 1 AS n, * FROM (VALUES
  ('Made in Jeonju by hand.', '전주에서 손으로 만들었습니다.'),
  ('Made in Busan for daily use.', '매일 쓰도록 부산에서 만들었습니다.'),
  ('Woven and finished in Damyang.', '담양에서 짜고 마무리했습니다.'),
  ('Designed in Seoul.', '서울에서 디자인했습니다.'),
  ('From a family workshop in Icheon.', '이천의 가족 공방에서 왔습니다.')
) AS words(en, ko);
CREATE TEMP TABLE merits AS SELECT row_number() OVER () - 1 AS n, * FROM (VALUES
  ('Easy to clean and hard to break.', '씻기 쉽고 잘 깨지지 않습니다.'),
  ('Keeps its colour for years.', '색이 오래갑니다.'),
  ('Comes in a box of recycled paper.', '재생지 상자에 담겨 옵니다.'),
  ('A gift that people keep.', '오래 간직하는 선물입니다.'),
  ('Repaired free of charge for ten years.', '십 년 동안 무료로 고쳐 드립니다.'),
  ('Goes well with everything else in this series.', '같은 시리즈의 다른 제품과 잘 어울립니다.')
) AS words(en, ko);
CREATE TEMP TABLE labels AS SELECT row_number() OVER () - 1 AS n, * FROM (VALUES
  (['new']), (['gift', '선물']), (['handmade', '수제']), (['sale']), (['new', '인기']), ([]), (NULL)
) AS words(tags);
CREATE TEMP MACRO draw(id, salt, choices) AS CAST(hash(id, salt) % choices AS BIGINT)
"""

_GENERATE = f"""
INSERT INTO {TABLE}
SELECT
  id,
  kinds.en || ' ' || things.en || ' No. ' || id,
  kinds.ko || ' ' || things.ko || ' ' || id || '호',
  kinds.en || ' ' || things.en || '. ' || origins.en || ' ' || merits.en,
  kinds.ko || ' ' || things.ko || '. ' || origins.ko || ' ' || merits.ko,
  category,
  (draw(id, 6, 400_000) + 100) / 100,
  draw(id, 7, 500),
  tags,
  FALSE,
  TIMESTAMP '2025-01-01' + to_seconds(id // 10 * 60)
FROM range(?, ?) AS numbers(id)
JOIN things ON things.n = draw(id, 1, 15)
JOIN kinds ON kinds.n = draw(id, 2, 12)
JOIN origins ON origins.n = draw(id, 3, 5)
JOIN merits ON merits.n = draw(id, 4, 6)
JOIN labels ON labels.n = draw(id, 5, 7)
ORDER BY id
"""

_NOW = "make_timestamp(epoch_us(now()))"


def create(path: Path, rows: int = ROWS) -> None:
    """Make the shop anew, with products 1 to `rows`."""
    with writing(path) as shop:
        shop.execute(f"DROP TABLE IF EXISTS {TABLE}")
        shop.execute(_CREATE)
        _generate(shop, 1, rows)


def add(path: Path, rows: int) -> list[int]:
    """Add so many products behind the last one; answers their ids."""
    with writing(path) as shop:
        [first] = shop.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {TABLE}").fetchone() or [1]
        ids = list(range(first, first + rows))
        _generate(shop, first, rows)
        _update(shop, f"{WATERMARK} = {_NOW}", ids)
    return ids


def change(path: Path, ids: Collection[int]) -> int:
    """Sell one of each of some products and raise their price; answers how many there are."""
    with writing(path) as shop:
        return _update(shop, f"price = price + 1, stock = greatest(stock - 1, 0), {WATERMARK} = {_NOW}", ids)


def delete(path: Path, ids: Collection[int]) -> int:
    """Mark some products as deleted; answers how many there are."""
    with writing(path) as shop:
        return _update(shop, f"{DELETED} = TRUE, {WATERMARK} = {_NOW}", ids)


def remove(path: Path, ids: Collection[int]) -> int:
    """Remove the rows of some products, which leaves no trace that they were there; answers how many there were."""
    with writing(path) as shop:
        return _count(shop.execute(f"DELETE FROM {TABLE} WHERE id IN (SELECT unnest(?::BIGINT[]))", [list(ids)]))


@contextmanager
def writing(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The shop, open for this process alone, in one transaction. Raises `duckdb.Error` if readers do not let go of it in time."""
    shop = _open(path)
    try:
        shop.execute("BEGIN")
        yield shop
        shop.execute("COMMIT")
    finally:
        shop.close()


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return duckdb.connect(str(path))
        except (duckdb.IOException, duckdb.ConnectionException):
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_SECONDS)


def _generate(shop: duckdb.DuckDBPyConnection, first: int, rows: int) -> None:
    shop.execute(_WORDS)
    shop.execute(_GENERATE, [first, first + rows])


def _update(shop: duckdb.DuckDBPyConnection, changes: str, ids: Collection[int]) -> int:
    return _count(shop.execute(f"UPDATE {TABLE} SET {changes} WHERE id IN (SELECT unnest(?::BIGINT[]))", [list(ids)]))


def _count(result: duckdb.DuckDBPyConnection) -> int:
    [rows] = result.fetchone() or [0]
    return int(rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.shop", description="Make a shop in a DuckDB file, and change it.")
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("create", help="make the shop anew")
    making.add_argument("file", type=Path)
    making.add_argument("--rows", type=int, default=ROWS, help="default: %(default)s")
    for name, purpose in (("change", "sell one of each and raise the price"), ("delete", "take off the shelf")):
        changing = commands.add_parser(name, help=purpose)
        changing.add_argument("file", type=Path)
        changing.add_argument("ids", type=int, nargs="+", metavar="ID")
    arguments = parser.parse_args()
    if arguments.command == "create":
        create(arguments.file, arguments.rows)
        print(f"{arguments.rows:,} products in {arguments.file}")
    else:
        count = {"change": change, "delete": delete}[arguments.command](arguments.file, arguments.ids)
        print(f"{counted(count, 'product')} {arguments.command}d")


if __name__ == "__main__":
    main()
