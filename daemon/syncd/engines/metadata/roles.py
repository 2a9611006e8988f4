"""What columns are likely good for, by their names and types. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from syncd.domain.schema import Column
from syncd.engines.metadata.privacy import is_flagged

_MOMENT = re.compile(r"(TIMESTAMP|DATETIME|DATE\b|SMALLDATETIME)", re.IGNORECASE)
_NUMBER = re.compile(r"(U?(BIG|SMALL|TINY|HUGE|MEDIUM)?INT|FLOAT|DOUBLE|REAL|NUMBER|NUMERIC|DECIMAL|BIGNUMERIC|BIGDECIMAL)", re.IGNORECASE)
_SHORT_TEXT = re.compile(r"(N?VARCHAR2?|N?CHAR|STRING|TEXT|ENUM|BOOL)", re.IGNORECASE)
_UNCOMPARABLE = re.compile(
    r"(N?CLOB|LONG|BLOB|BYTEA?|BYTES|RAW|BINARY|VARBINARY|JSON|XML|GEO|SDO_|VECTOR|VARIANT|BFILE|MAP|UNION)", re.IGNORECASE
)
_IDENTIFIES = re.compile(r"(^|_)(id|uuid|guid|no|nr|num|number|key|code|seq|sequence|index|idx|version|rowid|hash|order|offset|digits)$")
_OF_TIME = re.compile(r"(^|_)(year|month|week|day|hour|minute|ts|timestamp|epoch|micros|ms|time|at|date)$")
_GROUPS = re.compile(
    r"(^|_)(status|state|type|kind|category|class|group|segment|tier|plan|level|channel|source|medium|country|region|city|brand|method"
    r"|currency|platform|language|reason|priority|stage|role|event_name|cd|flag)(_|$)|상태|유형|구분|분류|종류|등급"
)
_MEASURES = re.compile(
    r"(^|_)(amount|amt|total|sum|revenue|sales|price|cost|fee|tax|discount|quantity|qty|count|cnt|units|value|points|score|weight|duration"
    r"|seconds|bytes|size|balance|rate)(_|$)|금액|수량|가격|매출|합계|점수|건수"
)
_BEGUN = re.compile(r"(^|_)(created|ordered|placed|event|occurred|sold|paid|order|sale|start|started|logged|inserted)(_|$)|일시|일자|날짜")


@dataclass(frozen=True, slots=True)
class Roles:
    moment: Column | None
    """When a row came to be."""
    groups: Column | None
    """A few values, each for many rows."""
    measure: Column | None
    """A number that can be added up."""
    shown: tuple[Column, ...]
    """Some that can be looked at in a list."""


def roles(columns: Sequence[Column], key: Sequence[str], but: frozenset[str] = frozenset()) -> Roles:
    """Of the columns that hold one comparable value each and are neither flagged nor in `but`."""
    plain = [
        column
        for column in columns
        if not (column.fields or column.repeated or column.obstacle or _UNCOMPARABLE.match(column.type) or column.name in but)
        and not is_flagged(column.name, column)
    ]
    moments = [column for column in plain if _MOMENT.match(column.type)]
    counted = [column for column in plain if _NUMBER.match(column.type) and column.name not in key and not _names(_IDENTIFIES, column)]
    texts = [column for column in plain if _SHORT_TEXT.match(column.type) and column.name not in key and not _names(_IDENTIFIES, column)]
    return Roles(
        _best(_BEGUN, moments) or next(iter(moments), None),
        _best(_GROUPS, texts) or next(iter(texts), None),
        _best(_MEASURES, counted) or next((column for column in counted if not _names(_OF_TIME, column)), None),
        tuple(sorted(plain, key=lambda column: column.name not in key)[:6]),
    )


def _names(pattern: re.Pattern[str], column: Column) -> bool:
    return pattern.search(column.name.lower()) is not None


def _best(pattern: re.Pattern[str], columns: Iterable[Column]) -> Column | None:
    return next((column for column in columns if _names(pattern, column)), None)


def is_day(column: Column) -> bool:
    """It holds days already, in a type that has no time; what Oracle calls DATE has one."""
    return column.type.upper() == "DATE"
