"""Values of every Oracle type, as SQL: their JSON in documents, or why they have none, and their order."""

from typing import Any

from syncd.engines.search.mapping import Unmapped

_FORTY = "1234567890123456789012345678901234567891"
_NINES = "9" * 38


def _unfit(reason: str) -> Unmapped:
    return Unmapped("unfit_value", f"column V holds {reason}")


def _too_early(day: str) -> Unmapped:
    return _unfit(f"the date {day}, before the year 1")


def _too_many_digits(number: str, most: int) -> Unmapped:
    return _unfit(f"{number}, and at most {most} digits before the point can be read")


def _out_of_nanoseconds(moment: str) -> Unmapped:
    return _unfit(f"{moment}, and nanoseconds reach from 1677-09-21 to 2262-04-11 only")


FORMS: dict[str, dict[str, str | Unmapped]] = {
    "NUMBER(9)": {"0": "0", "-999999999": "-999999999", "NULL": "null"},
    "NUMBER(18)": {"999999999999999999": "999999999999999999", "-999999999999999999": "-999999999999999999"},
    "NUMBER(38)": {"7": "7", _NINES: f'"{_NINES}"', f"-{_NINES}": f'"-{_NINES}"', "999999999999999": "999999999999999"},
    "NUMBER(12,2)": {"1.5": "1.5", "-.01": "-0.01", "9999999999.99": "9999999999.99", "0": "0.0"},
    "NUMBER(12,10)": {"1E-10": "1e-10", "1.5": "1.5", "0": "0.0"},
    "NUMBER(20,2)": {"1.005": "1.01", "999999999999999999.99": '"999999999999999999.99"'},
    "NUMBER(5,-3)": {"12345678": "12346000", "499": "0", "-99999000": "-99999000"},
    "NUMBER(3,5)": {".00123": "0.00123", "-.00999": "-0.00999"},
    "NUMBER(38,127)": {"1E-120": '"1E-120"'},
    "NUMBER(*,2)": {"1.005": "1.01", f"{'9' * 36}.99": f'"{"9" * 36}.99"', "-1E36": _too_many_digits(f"-1{'0' * 36}", 36)},
    "INTEGER": {"1.5": "2", _NINES: f'"{_NINES}"', "1E125": _too_many_digits("1E+125", 38), "NULL": "null"},
    "NUMBER": {
        "0": "0",
        ".5": "0.5",
        "-.5": "-0.5",
        "1.5E-7": "1.5e-7",
        "123456789.123456": "123456789.123456",
        "1234567890123456.5": '"1234567890123456.5"',
        "-999999999999999999": "-999999999999999999",
        "1234567890123456789": '"1234567890123456789"',
        "123456789012345E5": '"12345678901234500000"',
        _NINES: f'"{_NINES}"',
        _FORTY: f'"{_FORTY}"',
        f"-.{_FORTY}": f'"-0.{_FORTY}"',
        "1E125": '"1E+125"',
        "-1E125": '"-1E+125"',
        "1E-130": '"1E-130"',
        "1E-22": "1e-22",
        "1E-23": '"0.00000000000000000000001"',
        f"{_FORTY}E-110": '"1.234567890123456789012345678901234567891E-71"',
        "NULL": "null",
    },
    "FLOAT": {".1": "0.1", "-3.4E100": '"-3.4E+100"'},
    "BINARY_FLOAT": {
        "1.1": "1.1",
        "TO_BINARY_FLOAT('NaN')": "null",
        "TO_BINARY_FLOAT('-Inf')": "null",
        "-3.4E38": "-3.4e38",
    },
    "BINARY_DOUBLE": {
        "0.1": "0.1",
        "1E300D": "1e300",
        "TO_BINARY_DOUBLE('NaN')": "null",
        "TO_BINARY_DOUBLE('Inf')": "null",
    },
    "VARCHAR2(40 CHAR)": {
        "'한글 😀'": '"한글 😀"',
        "''": "null",
        "'a\"b\\c/d'": r'"a\"b\\c/d"',
        "'it''s '": '"it\'s "',
        "CHR(9) || CHR(10) || CHR(1) || CHR(127)": '"\\t\\n\\u0001\x7f"',
    },
    "NVARCHAR2(40)": {"N'한글 😀 '": '"한글 😀 "', "''": "null"},
    "CHAR(5)": {"' ab'": '" ab"', "' '": '""', "''": "null"},
    "NCHAR(5)": {"'한'": '"한"', "N'😀한글 '": '"😀한글"'},
    "DATE": {
        "DATE '0001-01-01'": '"0001-01-01T00:00:00"',
        "DATE '1500-02-28'": '"1500-02-28T00:00:00"',
        "TO_DATE('99991231235959', 'YYYYMMDDHH24MISS')": '"9999-12-31T23:59:59"',
        "DATE '-0044-03-15'": _too_early("-0044-03-15"),
        "NULL": "null",
    },
    "TIMESTAMP(0)": {"TIMESTAMP '2026-11-20 10:00:00.5'": '"2026-11-20T10:00:01"'},
    "TIMESTAMP(3)": {
        "TIMESTAMP '2026-11-20 10:00:00.120'": '"2026-11-20T10:00:00.12"',
        "TIMESTAMP '9999-12-31 23:59:59.999'": '"9999-12-31T23:59:59.999"',
    },
    "TIMESTAMP": {
        "TIMESTAMP '1969-12-31 23:59:59.999999'": '"1969-12-31T23:59:59.999999"',
        "TIMESTAMP '9999-12-31 23:59:59.999999'": '"9999-12-31T23:59:59.999999"',
        "TIMESTAMP '0001-01-01 00:00:00'": '"0001-01-01T00:00:00"',
        "TIMESTAMP '-0001-12-31 23:59:59.999999'": _too_early("-0001-12-31"),
    },
    "TIMESTAMP(9)": {
        "TIMESTAMP '2026-11-20 10:00:00.123456789'": '"2026-11-20T10:00:00.123456789"',
        "TIMESTAMP '1677-09-21 00:12:44'": '"1677-09-21T00:12:44"',
        "TIMESTAMP '2262-04-11 23:47:16'": '"2262-04-11T23:47:16"',
        "TIMESTAMP '9999-12-31 23:59:59'": _out_of_nanoseconds("9999-12-31 23:59:59.000000000"),
        "TIMESTAMP '-0001-01-01 00:00:00'": _out_of_nanoseconds("-0001-01-01 00:00:00.000000000"),
        "NULL": "null",
    },
    "TIMESTAMP WITH TIME ZONE": {
        "TIMESTAMP '2026-11-20 01:00:00.5 +09:00'": '"2026-11-19T16:00:00.5Z"',
        "TIMESTAMP '2026-11-20 23:30:00 -05:30'": '"2026-11-21T05:00:00Z"',
        "TIMESTAMP '2026-07-01 12:00:00 Europe/Berlin'": '"2026-07-01T10:00:00Z"',
        "TIMESTAMP '0001-01-01 00:00:00 +09:00'": _too_early("-0001-12-31"),
    },
    "TIMESTAMP(0) WITH TIME ZONE": {"TIMESTAMP '2026-11-20 01:00:00 +09:00'": '"2026-11-19T16:00:00Z"'},
    "TIMESTAMP(9) WITH TIME ZONE": {
        "TIMESTAMP '2026-11-20 01:00:00.123456789 +09:00'": '"2026-11-19T16:00:00.123456789Z"',
        "TIMESTAMP '2263-01-01 00:00:00 +00:00'": _out_of_nanoseconds("2263-01-01 00:00:00.000000000"),
    },
    "TIMESTAMP WITH LOCAL TIME ZONE": {"TIMESTAMP '2026-11-20 01:00:00.5 +09:00'": '"2026-11-19T16:00:00.5Z"'},
    "INTERVAL YEAR(4) TO MONTH": {
        "INTERVAL '14-2' YEAR(4) TO MONTH": '"P14Y2M"',
        "INTERVAL '-1-2' YEAR TO MONTH": '"P-1Y-2M"',
        "INTERVAL '-3' MONTH": '"P0Y-3M"',
        "NULL": "null",
    },
    "INTERVAL DAY(4) TO SECOND(9)": {
        "INTERVAL '3 4:05:06.789000001' DAY TO SECOND(9)": '"P3DT4H5M6.789000001S"',
        "INTERVAL '-0 0:00:00.5' DAY TO SECOND": '"P0DT0H0M-0.5S"',
        "INTERVAL '-400 1:02:10' DAY(4) TO SECOND": '"P-400DT-1H-2M-10S"',
        "NULL": "null",
    },
    "RAW(8)": {"HEXTORAW('00FF41')": '"AP9B"', "''": "null"},
    "CLOB": {"'한글 😀'": '"한글 😀"', "EMPTY_CLOB()": "null", "NULL": "null"},
    "NCLOB": {"TO_NCLOB('한글 😀')": '"한글 😀"'},
    "BLOB": {"HEXTORAW('00FF41')": '"AP9B"', "NULL": "null"},
    "BOOLEAN": {"TRUE": "true", "FALSE": "false", "NULL": "null"},
    "ROWID": {"'AAARFwAAEAAAACAAAA'": '"AAARFwAAEAAAACAAAA"'},
    "JSON": {
        """'{"b": [1, null], "a": 12345678901234567890123, "한": "\\""}'""": '{"b":[1,null],"a":12345678901234567890123,"한":"\\""}',
        "'\"text\"'": '"text"',
        "NULL": "null",
    },
    "XMLTYPE": {"XMLTYPE('<a b=\"c\">한</a>')": r'"<a b=\"c\">한</a>"'},
    "VECTOR": {"TO_VECTOR('[1.0E+000,-2.5E-001]')": "[1.0,-0.25]"},
    "LONG": {"'long 한글 😀'": '"long 한글 😀"', "NULL": "null"},
}

BY_SETTING: list[tuple[dict[str, Any], tuple[str, str], str | Unmapped]] = [
    ({"trim_char": False}, ("CHAR(5)", "'ab'"), '"ab   "'),
    ({"raw": "hex"}, ("RAW(8)", "HEXTORAW('00FF41')"), '"00FF41"'),
    ({"lob_limit": 6}, ("CLOB", "'한글 😀!'"), '"한글 😀!"'),
    ({"lob_limit": 5}, ("CLOB", "'한글 😀!'"), _unfit("6 characters, and `lob_limit` of the connection is 5")),
    ({"lob_limit": 5, "lob_over": "truncate"}, ("CLOB", "'한글 😀!'"), '"한글 😀"'),
    ({"lob_limit": 5, "lob_over": "truncate"}, ("NCLOB", "TO_NCLOB('12345')"), '"12345"'),
    ({"lob_limit": 2}, ("BLOB", "HEXTORAW('00FF')"), '"AP8="'),
    ({"lob_limit": 1, "lob_over": "truncate"}, ("BLOB", "HEXTORAW('00FF')"), _unfit("2 bytes, and `lob_limit` of the connection is 1")),
]

ASCENDING: dict[str, list[str]] = {
    "NUMBER(18)": ["-1", "0", "999999999999999999"],
    "NUMBER(3,5)": ["-.00123", ".00001", ".00999"],
    "INTEGER": ["NULL", f"-{_NINES}", "7", _NINES],
    "NUMBER": ["NULL", "-1E125", f"-{_NINES}", "-.5", "0", "1E-130", ".5", "1234567890123456.5", _NINES, _FORTY, "1E125"],
    "BINARY_FLOAT": ["-1.5", "0.1"],
    "BINARY_DOUBLE": ["-1E300D", "0.1", "1.5"],
    "VARCHAR2(40)": ["NULL", "' '", "'a'", "'a '", "'한'", "'😀'"],
    "NVARCHAR2(40)": ["N'a'", "N'a '", "N'한'", "N'😀'"],
    "CHAR(5)": ["NULL", "' '", "'a'", "'ab'", "'한'"],
    "NCHAR(5)": ["N' '", "N'a'", "N'한글'"],
    "DATE": ["NULL", "DATE '0001-01-01'", "DATE '2026-11-20'", "DATE '2026-11-20' + 1/86400", "DATE '9999-12-31'"],
    "TIMESTAMP(0)": ["TIMESTAMP '2026-11-20 10:00:00'", "TIMESTAMP '2026-11-20 10:00:01'"],
    "TIMESTAMP": ["TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '2026-11-20 10:00:00.000001'", "TIMESTAMP '9999-12-31 23:59:59.999999'"],
    "TIMESTAMP(9)": [f"TIMESTAMP '2026-11-20 10:00:00{fraction}'" for fraction in ("", ".000000001", ".123456788", ".123456789")],
    "TIMESTAMP WITH TIME ZONE": [
        "TIMESTAMP '0001-01-01 09:00:00 +09:00'",
        "TIMESTAMP '2026-11-20 01:00:00 +09:00'",
        "TIMESTAMP '2026-11-19 16:00:00.000001 +00:00'",
        "TIMESTAMP '2026-11-19 12:00:00 -05:00'",
    ],
    "TIMESTAMP(9) WITH TIME ZONE": [f"TIMESTAMP '2026-11-20 01:00:00.12345678{digit} +09:00'" for digit in "89"],
    "TIMESTAMP WITH LOCAL TIME ZONE": ["TIMESTAMP '2026-11-20 01:00:00 +09:00'", "TIMESTAMP '2026-11-19 16:00:00.5 +00:00'"],
    "RAW(8)": ["HEXTORAW('00')", "HEXTORAW('27225C78')", "HEXTORAW('4142')", "HEXTORAW('41420A')", "HEXTORAW('FF')"],
    "ROWID": ["'AAARFwAAEAAAACAAAA'", "'AAARFwAAEAAAACAAAB'", "'AAARFwAAEAAAACBAAA'"],
}
