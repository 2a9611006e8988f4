"""What may be told of values: their shapes, and of personal data nothing."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import translate
from functools import lru_cache

from syncd.domain.schema import Column

_LONGEST = 40
_MOST = 3
_LOOKED_AT = 200
_CUT = "…"

_ENGLISH = """
    name firstname lastname surname forename fullname nickname username login alias initials contact recipient addressee signature
    email mail e_mail *email* phone *phone* mobile tel telephone fax msisdn
    address addr *address* street postcode postal zip zipcode plz lat lon lng latitude longitude gps geolocation
    birth birthday birthdate dob born *birth* age gender sex race ethnicity religion nationality marital blood diagnosis
    ssn sin nin rrn tin passport license licence *national_id* *personal_id* *tax_id* *person_id* *resident*
    ip *ip_addr* mac imei imsi iccid gaid idfa idfv *advertising_id* *vendor_id* *device_id* cookie fingerprint *user_id* *pseudo_id*
    token *token* secret *secret* *passw* pwd passphrase passcode pin otp hash salt *api_key* apikey *private_key* credential credentials
    card cardno creditcard pan cvv cvc iban bic swift *account_no* *account_num* acct bank salary wage income
    comment comments note notes memo remark remarks message body url uri referrer referer query
"""
_KOREAN = """
    이름 성명 성함 닉네임 별명 아이디 이메일 메일 전자우편 전화 휴대폰 핸드폰 연락처 팩스 주소 우편번호 주민 여권 면허 외국인등록 사업자등록
    생년월일 생일 출생 나이 연령 성별 비밀번호 암호 패스워드 토큰 인증 카드 계좌 은행 예금주 급여 연봉 소득 위도 경도
    수취인 수령인 받는사람 예약자 회원명 고객명 아이피 종교 국적 혈액형 건강 병명 진단 메모 비고 메시지
"""

FLAGGED: tuple[str, ...] = (*_ENGLISH.split(), *(f"*{word}*" for word in _KOREAN.split()))
"""Globs of columns whose values are likely personal or secret, or free text; read as `is_flagged` says."""


def is_flagged(path: str, column: Column, globs: Sequence[str] = FLAGGED) -> bool:
    """Whether no value of this column may be told in any form.

    The source says so of it or of a field inside it, or a glob fits: the whole path, the name of the column, of a record around it or of
    a field inside it, or one word of such a name. Words end at `_`, at other signs and before capitals: `homeAddress` has `address`.
    """
    inside = [each for each, _ in column.leaves()]
    if column.flagged or _marked(column.fields):
        return True
    fits = _pattern(tuple(globs))
    return any(fits.match(each) for name in {path, column.name, *inside} for each in _compared(name))


def _marked(fields: Iterable[Column]) -> bool:
    return any(field.flagged or _marked(field.fields) for field in fields)


@lru_cache(maxsize=16)
def _pattern(globs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(unicodedata.normalize("NFC", glob).casefold()) for glob in globs) or r"(?!)")


def _compared(path: str) -> Iterator[str]:
    whole = unicodedata.normalize("NFC", path)
    yield whole.casefold()
    for name in whole.split("."):
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\W_]+", "_", name).strip("_").casefold()
        yield name.casefold()
        yield words
        yield from words.split("_")
        yield from words.rstrip("0123456789").split("_")


def shape(value: str) -> str:
    """What a value looks like: `Kim-0042` is `Aaa-9999`. At most 40 characters; empty where it would tell the value itself.

    Letters of any script are `a`, capitals `A`, digits `9`, signs of ASCII themselves, all others `?`. Of more than four of a kind in a
    row four are told, and `…`. Nothing is told of what has no letter and no digit, or a single character.
    """
    kinds = "".join(map(_kind, value[:_LOOKED_AT]))
    found = re.sub(r"(.)\1{4,}", rf"\1\1\1\1{_CUT}", kinds)
    found = found if len(found) <= _LONGEST else f"{found[: _LONGEST - 1]}{_CUT}"
    tells = found == value or len(value.strip()) < 2 or not re.search("[aA9]", found)  # noqa: PLR2004 - one character alone is a value
    return "" if tells else found


def _kind(sign: str) -> str:
    category = unicodedata.category(sign)
    if category[0] in "LM":
        return "A" if category in ("Lu", "Lt") else "a"
    if category[0] == "N":
        return "9"
    if sign.isspace():
        return " "
    return sign if sign.isascii() and sign.isprintable() else "?"


def shapes(values: Iterable[str]) -> tuple[str, ...]:
    """At most three different shapes of the values of a column, the commonest first; none that is one of the values."""
    seen = tuple(values)
    counts = Counter(filter(None, map(shape, seen)))
    for value in seen:
        counts.pop(value, None)
    return tuple(sorted(counts, key=lambda each: (-counts[each], each))[:_MOST])
