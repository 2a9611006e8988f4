"""Format models of numbers: '999G990D00', 'FM0000', 'TM9' and their like."""

import re
from decimal import Decimal, InvalidOperation

from tests.servers.oracle import sql_number
from tests.servers.oracle.backend import OracleError

_MODEL = re.compile(
    r"(?P<fill>FM)?(?P<lead>S|\$|L)?(?P<whole>[09,G]*)(?:(?P<point>[.D])(?P<fraction>[09]*))?(?P<e>EEEE)?(?P<tail>S|MI|PR)?", re.IGNORECASE
)


def write_number(number: Decimal, model: str) -> str:
    upper = model.upper()
    if upper in ("TM", "TM9", "TME"):
        plain = sql_number.fixed(number)
        return sql_number.scientific(number) if upper == "TME" or len(plain) > 64 else plain
    match = _MODEL.fullmatch(model)
    if match is None or match["lead"] in ("$", "L"):
        raise OracleError(1481, "invalid number format model")
    return _scientific(number, match) if match["e"] else _fixed(number, match)


def _fixed(number: Decimal, match: re.Match[str]) -> str:
    fraction = len(match["fraction"] or "")
    whole_model = match["whole"]
    value = sql_number.rounded(abs(number), fraction)
    digits, _, decimals = f"{value:f}".partition(".")
    places = [sign for sign in whole_model if sign in "09"]
    least = len(places) - places.index("0") if "0" in places else 0
    digits = digits.lstrip("0") if least or fraction else digits
    width = len(whole_model) + (1 + fraction if match["point"] else 0) + 1
    if len(digits) > len(places):
        return "#" * width
    written = _grouped(digits.rjust(least, "0"), whole_model)
    if match["point"]:
        written += "." + (decimals.rstrip("0").ljust(_least(match["fraction"]), "0") if match["fill"] else decimals)
    return _signed(written, number < 0, match).rjust(0 if match["fill"] else width)


def _least(fraction: str) -> int:
    """Decimals that are written even as zeros."""
    return fraction.rindex("0") + 1 if "0" in fraction else 0


def _grouped(digits: str, model: str) -> str:
    """Digits with the separators of the model between them."""
    found: list[str] = []
    rest = list(digits)
    for sign in reversed(model):
        if not rest:
            break
        found.append("," if sign in ",Gg" else rest.pop())
    return "".join(reversed(found))


def _signed(written: str, negative: bool, match: re.Match[str]) -> str:
    tail = (match["tail"] or "").upper()
    if tail == "S":
        return written + ("-" if negative else "+")
    if tail == "MI":
        return written + ("-" if negative else "" if match["fill"] else " ")
    if tail == "PR":
        return f"<{written}>" if negative else written
    return ("-" if negative else "+" if match["lead"] else "") + written


def _scientific(number: Decimal, match: re.Match[str]) -> str:
    mantissa = sql_number.rounded(number.scaleb(-number.adjusted()), len(match["fraction"] or ""))
    return f"{'' if match['fill'] else ' '}{mantissa:f}E{number.adjusted():+03d}"


def read_number(text: str, model: str) -> Decimal:
    if model.upper() in ("TM", "TM9", "TME"):
        return sql_number.decode(sql_number.from_text(text))
    match = _MODEL.fullmatch(model)
    if match is None:
        raise OracleError(1481, "invalid number format model")
    stripped = text.strip().replace(",", "").rstrip("+")
    if stripped.endswith("-"):
        stripped = "-" + stripped[:-1]
    try:
        return Decimal(stripped)
    except InvalidOperation as error:
        raise OracleError(1722, "invalid number") from error
