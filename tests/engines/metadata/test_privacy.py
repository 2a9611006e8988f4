"""Values never leave as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from syncd.domain.schema import Column
from syncd.engines.metadata.privacy import FLAGGED, is_flagged, shape, shapes

values = some.text(max_size=30) | some.text("aA9 -.@…?", max_size=12) | some.text("aA9…", max_size=5)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("Kim-0042", "Aaa-9999", id="letters, digits and signs"),
        pytest.param("010-1234-5678", "999-9999-9999", id="a phone number"),
        pytest.param("ada@example.com", "aaa@aaaa….aaa", id="long runs are cut"),
        pytest.param("김철수 2025년", "aaa 9999a", id="letters of any script"),
        pytest.param("Ünïcode №٣", "Aaaaa… ?9", id="digits of any script, and signs beyond ASCII"),
        pytest.param("x\ty\nz", "a a a", id="blanks are alike"),
        pytest.param("🎉 1", "? 9", id="pictures"),
        pytest.param("ab-" * 50, "aa-aa-aa-aa-aa-aa-aa-aa-aa-aa-aa-aa-aa-…", id="at most 40 characters"),
        pytest.param("M", "", id="a single letter would be as good as the value"),
        pytest.param("-- / --", "", id="signs alone would be the value"),
        pytest.param("", "", id="nothing"),
        pytest.param("aa-99", "", id="a value that looks like a shape"),
        pytest.param("99", "", id="a number that looks like a shape"),
    ],
)
def test_a_shape_tells_kinds_and_no_content(value: str, expected: str) -> None:
    assert shape(value) == expected


@given(values)
def test_no_value_is_its_own_shape(value: str) -> None:
    told = shape(value)

    assert not told or told != value
    assert len(told) <= 40
    assert not {sign for sign in told if sign.isalnum()} - set("aA9")


@given(some.lists(values, max_size=12))
def test_no_shape_of_a_column_is_one_of_its_values(column: list[str]) -> None:
    told = shapes(column)

    assert not set(told) & {*column, ""}
    assert len(set(told)) == len(told) <= 3
    assert shapes(reversed(column)) == told


def test_the_commonest_shapes_are_told() -> None:
    assert shapes(["AB-1", "CD-2", "x@y.z", "EF-3", "k.l", "12345678", "7,5"]) == ("AA-9", "9,9", "9999…")


def test_a_shape_that_is_the_value_of_another_row_is_not_told() -> None:
    assert shapes(["Kim", "Aaa", "K1"]) == ("A9",)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "email",
            "EMAIL",
            "CUST_EMAIL_ADDR",
            "emailAddress",
            "e-mail",
            "user.contact.email",
            "phone2",
            "homePhone",
            "mobile",
            "first_name",
        ),
        *("NAME", "customer name", "street", "zip_code", "ssn", "birth_date", "dateOfBirth", "ip", "client_ip", "IPAddress", "api_key"),
        *(
            "access_token",
            "Password",
            "pwd_hash",
            "card_no",
            "iban",
            "user_id",
            "user_pseudo_id",
            "device.advertising_id",
            "note",
            "gender",
        ),
        *("이름", "고객_이메일", "휴대폰번호", "배송지주소", "주민등록번호", "생년월일", "비밀번호", "카드번호"),
    ],
)
def test_what_is_likely_personal_or_secret_is_flagged_by_its_name(name: str) -> None:
    assert is_flagged(name, Column(name.rpartition(".")[2], "VARCHAR"))


@pytest.mark.parametrize(
    "name",
    ["status", "amount", "created_at", "order_id", "filename", "ship_date", "image", "chip", "usage", "sku", "주문상태", "금액", "zipper"],
)
def test_other_names_are_not_flagged(name: str) -> None:
    assert not is_flagged(name, Column(name, "VARCHAR"))


def test_what_the_source_marks_is_flagged_whatever_its_name() -> None:
    marked = Column("status", "VARCHAR", flagged=True)

    assert is_flagged("status", marked)
    assert is_flagged("order", Column("order", "STRUCT", fields=(Column("a", "STRUCT", fields=(marked,)),)))


def test_a_record_is_flagged_for_a_field_inside_it_and_a_field_for_its_record() -> None:
    assert is_flagged("buyer", Column("buyer", "STRUCT", fields=(Column("email", "VARCHAR"),)))
    assert is_flagged("address.line", Column("line", "VARCHAR"))


def test_globs_of_the_settings_stand_instead_of_the_own_ones() -> None:
    globs = ("Geo.*", "*_SECRET_*")

    assert is_flagged("geo.city", Column("city", "VARCHAR"), globs)
    assert is_flagged("a_secret_b", Column("a_secret_b", "VARCHAR"), globs)
    assert not is_flagged("email", Column("email", "VARCHAR"), globs)
    assert not is_flagged("email", Column("email", "VARCHAR"), ())


def test_globs_are_told_once_each() -> None:
    assert len(set(FLAGGED)) == len(FLAGGED)
