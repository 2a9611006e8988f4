from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.servers.oracle.database import Database
from tests.servers.oracle.sql_number import decode, encode
from tests.servers_own.oracle_values import Client


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    database = Database()
    yield database
    database.close()


@pytest.fixture
def client(database: Database) -> Client:
    return Client(database.session("SYNCD", 2))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", "7"),
        ("-(1 - 2.5)", "1.5"),
        ("1 / 3", ".3333333333333333333333333333333333333333"),
        ("12345678901234567890123456789012345678 + 1", "12345678901234567890123456789012345679"),
        ("MOD(-7, 3)", "-1"),
        ("ROUND(2.5)", "3"),
        ("ROUND(-1234.567, -2)", "-1200"),
        ("TRUNC(-1.99, 1)", "-1.9"),
        ("ABS(-3)", "3"),
        ("SIGN(-2)", "-1"),
        ("CEIL(1.1)", "2"),
        ("FLOOR(-1.1)", "-2"),
        ("GREATEST(1, 30, 4)", "30"),
        ("LEAST('b', 'a')", "a"),
        ("'a' || NULL || 'b'", "ab"),
        ("'' || ''", None),
        ("q'[it's]'", "it's"),
        ("UPPER('äb') || LOWER('ÄB')", "ÄBäb"),
        ("SUBSTR('abcdef', 2, 3)", "bcd"),
        ("SUBSTR('abcdef', -2)", "ef"),
        ("INSTR('abcabc', 'c', 1, 2)", "6"),
        ("LENGTH('가나')", "2"),
        ("LENGTHB('가나')", "6"),
        ("LENGTH('')", None),
        ("REPLACE('aXbX', 'X')", "ab"),
        ("LPAD('7', 3, '0')", "007"),
        ("TRIM('  a ')", "a"),
        ("TRIM(LEADING '0' FROM '007')", "7"),
        ("RTRIM('abb', 'b')", "a"),
        ("NVL(NULL, 'x')", "x"),
        ("COALESCE(NULL, NULL, 3)", "3"),
        ("NULLIF(1, 1)", None),
        ("DECODE(NULL, NULL, 'same', 'other')", "same"),
        ("CASE WHEN 1 < 2 THEN 'y' ELSE 'n' END", "y"),
        ("CASE 3 WHEN 1 THEN 'one' END", None),
        ("TO_CHAR(0.5)", ".5"),
        ("TO_CHAR(1E125, 'TM9')", "1E+125"),
        ("TO_CHAR(1234567.891, 'FM999,999,990.00')", "1,234,567.89"),
        ("TO_CHAR(7, '000')", " 007"),
        ("TO_CHAR(123, '99')", "###"),
        ("TO_CHAR(1500, 'TME')", "1.5E+03"),
        ("TO_NUMBER('-12.5')", "-12.5"),
        ("TO_NUMBER('1,234.5', '9,999.9')", "1234.5"),
        ("'2' + 1", "3"),
        ("TO_BINARY_DOUBLE('1.5')", "1.5"),
        ("CAST(12.345 AS NUMBER(5,1))", "12.3"),
        ("CAST('abc' AS VARCHAR2(2))", "ab"),
        ("RAWTOHEX(HEXTORAW('00ff'))", "00FF"),
        ("STANDARD_HASH('a', 'MD5')", "0cc175b9c0f1b6a831c399e269772661"),
        ("DBMS_LOB.GETLENGTH(TO_CLOB('abc'))", "3"),
        ("DBMS_LOB.SUBSTR(TO_CLOB('abcdef'), 2, 3)", "cd"),
        ("DBMS_LOB.GETLENGTH(TO_CLOB('a😀'))", "3"),
        ("DBMS_LOB.SUBSTR(TO_CLOB('가😀나'), 2, 2)", "😀"),
        ("JSON_SERIALIZE('{\"a\": 1}' RETURNING CLOB)", '{"a": 1}'),
        ("XMLSERIALIZE(CONTENT XMLTYPE('<a/>') AS CLOB)", "<a/>"),
        ("FROM_VECTOR(TO_VECTOR('[1,2]') RETURNING CLOB)", "[1,2]"),
        ("SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')", "SYNCD"),
        ("USER", "SYNCD"),
    ],
)
def test_an_expression_has_the_value_that_oracle_gives_it(client: Client, expression: str, expected: str | None) -> None:
    assert client.value(f"SELECT {expression} FROM dual") == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("DATE '2024-02-29' + 1.5", "2024-03-01 12:00:00"),
        ("DATE '2024-03-01' - DATE '2024-02-28'", "2"),
        ("DATE '-4712-01-01'", "-4712-01-01 00:00:00"),
        ("DATE '1582-10-04' + 1", "1582-10-15 00:00:00"),
        ("TO_DATE('0044-03-15 BC', 'YYYY-MM-DD BC')", "-044-03-15 00:00:00"),
        ("TO_CHAR(TO_DATE('-0044-03-15', 'SYYYY-MM-DD'), 'SYYYY-MM-DD')", "-0044-03-15"),
        ("TIMESTAMP '2026-01-02 03:04:05.123456789'", "2026-01-02 03:04:05.123456789"),
        ("TIMESTAMP '2026-01-02 03:04:05 +09:00'", "2026-01-01 18:04:05 +540"),
        ("SYS_EXTRACT_UTC(TIMESTAMP '2026-01-02 03:04:05 +09:00')", "2026-01-01 18:04:05"),
        ("TIMESTAMP '2026-07-01 12:00:00 Europe/Berlin' AT TIME ZONE 'UTC'", "2026-07-01 10:00:00 +0"),
        ("FROM_TZ(TIMESTAMP '2026-01-01 00:00:00', '-05:30')", "2026-01-01 05:30:00 -330"),
        ("CAST(TIMESTAMP '2026-01-02 03:04:05.9 +09:00' AS DATE)", "2026-01-02 03:04:05"),
        ("CAST(TIMESTAMP '2026-01-02 03:04:05.996' AS TIMESTAMP(2))", "2026-01-02 03:04:06"),
        ("TO_TIMESTAMP('2026-01-02 03:04:05.5', 'YYYY-MM-DD HH24:MI:SS.FF')", "2026-01-02 03:04:05.5"),
        ("TO_TIMESTAMP_TZ('2026-01-02T03:04:05.5+09:00', 'YYYY-MM-DD\"T\"HH24:MI:SS.FF9TZH:TZM')", "2026-01-01 18:04:05.5 +540"),
        ("TO_DATE('03-JAN-26')", "2026-01-03 00:00:00"),
        ("TO_DATE('5:07 PM', 'HH:MI AM') - TRUNC(SYSDATE, 'MM')", ".7131944444444444444444444444444444444444"),
        ("TO_CHAR(DATE '2026-01-05', 'Day DD Mon YYYY, Q IW DDD')", "Monday    05 Jan 2026, 1 02 005"),
        ("TO_CHAR(TIMESTAMP '2026-01-05 15:00:00.123456789', 'HH:MI AM FF3 FF9')", "03:00 PM 123 123456789"),
        ("TO_CHAR(TIMESTAMP '2026-01-05 15:00:00 -03:30', 'HH24 TZH:TZM')", "15 -03:30"),
        ("TO_CHAR(DATE '2026-01-05')", "05-JAN-26"),
        ("TRUNC(TIMESTAMP '2026-05-06 07:08:09', 'MM')", "2026-05-01 00:00:00"),
        ("ADD_MONTHS(DATE '2024-01-31', 1)", "2024-02-29 00:00:00"),
        ("MONTHS_BETWEEN(DATE '2026-03-01', DATE '2026-01-01')", "2"),
        ("LAST_DAY(DATE '2023-02-03')", "2023-02-28 00:00:00"),
        ("EXTRACT(SECOND FROM TIMESTAMP '2026-01-02 03:04:05.25')", "5.25"),
        ("NUMTODSINTERVAL(90, 'MINUTE')", "+00 01:30:00.000000"),
        ("TO_DSINTERVAL('1 02:03:04.5')", "+01 02:03:04.500000"),
        ("TO_YMINTERVAL('-1-02')", "-01-02"),
        ("TIMESTAMP '2026-01-02 00:00:00' - INTERVAL '1' DAY", "2026-01-01 00:00:00"),
        ("TIMESTAMP '2026-01-02 00:00:00' - TIMESTAMP '2026-01-01 23:59:59.5'", "+00 00:00:00.500000"),
        ("DATE '2026-01-28' + INTERVAL '1-1' YEAR TO MONTH - INTERVAL '1' MONTH", "2027-01-28 00:00:00"),
    ],
)
def test_a_moment_is_computed_as_oracle_computes_it(client: Client, expression: str, expected: str) -> None:
    assert client.value(f"SELECT {expression} FROM dual") == expected


@pytest.mark.parametrize(
    ("type_", "given", "expected"),
    [
        ("NUMBER", "12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("NUMBER", "1E125", "1" + "0" * 125),
        ("NUMBER", "-1E-130", "-." + "0" * 129 + "1"),
        ("NUMBER(5,-2)", "1250", "1300"),
        ("NUMBER(4,2)", "12.345", "12.35"),
        ("FLOAT(10)", "123456", "123500"),
        ("BINARY_FLOAT", "0.1", "0.10000000149011612"),
        ("BINARY_DOUBLE", "-1.5E300d", "-1.5e+300"),
        ("CHAR(4)", "'ab'", "ab  "),
        ("NCHAR(2)", "N'가'", "가 "),
        ("NVARCHAR2(2)", "N'가나'", "가나"),
        ("VARCHAR2(10)", "''", None),
        ("DATE", "TIMESTAMP '2026-01-02 03:04:05.9'", "2026-01-02 03:04:05"),
        ("DATE", "DATE '9999-12-31'", "9999-12-31 00:00:00"),
        ("TIMESTAMP(3)", "TIMESTAMP '2026-01-02 03:04:05.9996'", "2026-01-02 03:04:06"),
        ("TIMESTAMP WITH LOCAL TIME ZONE", "TIMESTAMP '2026-01-02 03:04:05 +09:00'", "2026-01-01 18:04:05"),
        ("TIMESTAMP WITH TIME ZONE", "DATE '2026-01-02'", "2026-01-02 00:00:00 +0"),
        ("INTERVAL DAY TO SECOND", "INTERVAL '-1 02:03:04' DAY TO SECOND", "-01 02:03:04.000000"),
        ("RAW(4)", "HEXTORAW('00FF')", "00ff"),
        ("BOOLEAN", "TRUE", "01"),
        ("JSON", "'[1]'", "[1]"),
        ("XMLTYPE", "XMLTYPE('<a/>')", "<a/>"),
        ("VECTOR(2, FLOAT32)", "TO_VECTOR('[1,2]')", "[1,2]"),
        ("VARCHAR2(30)", "12.5", "12.5"),
        ("NUMBER", "'12.5'", "12.5"),
    ],
)
def test_a_column_keeps_a_value_as_oracle_keeps_it(client: Client, type_: str, given: str, expected: str | None) -> None:
    client.run("DROP TABLE IF EXISTS kept")
    client.run(f"CREATE TABLE kept (v {type_})")

    client.run(f"INSERT INTO kept VALUES ({given})")

    assert client.value("SELECT v FROM kept") == expected
    client.session.commit()


def test_numbers_order_as_bytes_in_every_sign_and_size() -> None:
    texts = [
        "-9.99E125",
        "-100",
        "-99.5",
        "-1.01",
        "-1",
        "-1E-130",
        "0",
        "1E-130",
        "0.01",
        "0.1",
        "1",
        "1.5",
        "2",
        "99",
        "100",
        "12345678.9",
        "1E125",
    ]

    encoded = [encode(Decimal(text)) for text in texts]

    assert encoded == sorted(encoded)
    assert [decode(value) for value in encoded] == [Decimal(text) for text in texts]
