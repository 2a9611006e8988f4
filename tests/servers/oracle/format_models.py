"""Format models of dates: 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM' and their like, written and read."""

import re
from collections.abc import Callable
from functools import lru_cache

from tests.servers.oracle.backend import OracleError
from tests.servers.oracle.sql_time import Fields, day_number, days_in

MONTHS = ["JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"]
DAYS = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]

_ELEMENT = re.compile(
    r'(?P<literal>"[^"]*")|(?P<element>SYYYY|YYYY|YYY|YY|Y,YYY|RRRR|RR|Y|MONTH|MON|MM|MI|DDD|DD|DAY|DY|D(?!S)|HH24|HH12|HH|SSSSS|SS|FF[1-9]|FF|'
    r"A\.M\.|P\.M\.|AM|PM|TZH|TZM|TZR|B\.C\.|A\.D\.|BC|AD|IYYY|IW|WW|W|Q|J|X|FM|FX|T)|(?P<sign>[-/,.;:\s]+)",
    re.IGNORECASE,
)


@lru_cache(maxsize=500)
def model(text: str) -> tuple[tuple[str, str], ...]:
    """Pairs of ("element", name as written), ("sign", text) and ("literal", text)."""
    found = []
    at = 0
    while at < len(text):
        match = _ELEMENT.match(text, at)
        if match is None or match.lastgroup is None:
            raise OracleError(1821, "date format not recognized")
        value = match.group()
        found.append((match.lastgroup, value[1:-1] if match.lastgroup == "literal" else value))
        at = match.end()
    return tuple(found)


def write(fields: Fields, text: str, offset: int | None = None, digits: int = 9, region: str = "") -> str:
    """A moment by its format; `digits` are those that FF alone stands for. The fields are of the wall clock."""
    written = []
    fill = True
    for kind, value in model(text):
        if kind != "element":
            written.append(value)
            continue
        name = value.upper()
        if name == "FM":
            fill = not fill
            continue
        part = _zone_part(name, offset, region) if name.startswith("TZ") else _part(name, fields, digits)
        if not fill:
            part = part.strip() if not part.strip().isdigit() else part.strip().lstrip("0") or "0"
        written.append(_cased(part, value))
    return "".join(written)


def _cased(part: str, value: str) -> str:
    if value[:2].islower():
        return part.lower()
    return part.capitalize() if value[:1].isupper() and value[1:2].islower() else part


def _zone_part(name: str, offset: int | None, region: str) -> str:
    if offset is None:
        raise OracleError(1821, "date format not recognized")
    sign = "-" if offset < 0 else "+"
    hours, minutes = divmod(abs(offset), 60)
    return {"TZH": f"{sign}{hours:02d}", "TZM": f"{minutes:02d}", "TZR": region or f"{sign}{hours:02d}:{minutes:02d}"}[name]


def _part(name: str, fields: Fields, digits: int) -> str:
    if name.startswith("FF"):
        return f"{fields.nano:09d}"[: int(name[2:] or digits)]
    return _WRITERS[name](fields)


def _weekday(fields: Fields) -> int:
    return day_number(fields.year, fields.month, fields.day) % 7


def _day_of_year(fields: Fields) -> int:
    return day_number(fields.year, fields.month, fields.day) - day_number(fields.year, 1, 1) + 1


def _iso(fields: Fields) -> tuple[int, int]:
    """Year and week as ISO 8601 counts them."""
    number = day_number(fields.year, fields.month, fields.day)
    thursday = number - number % 7 + 3
    year = next(year for year in (fields.year + 1, fields.year, fields.year - 1) if day_number(year, 1, 1) <= thursday)
    return year, (thursday - day_number(year, 1, 1)) // 7 + 1


def _half(fields: Fields) -> str:
    return "AM" if fields.hour < 12 else "PM"


_WRITERS: dict[str, Callable[[Fields], str]] = {
    "SYYYY": lambda f: f"{'-' if f.year < 0 else ' '}{abs(f.year):04d}",
    "YYYY": lambda f: f"{abs(f.year):04d}",
    "RRRR": lambda f: f"{abs(f.year):04d}",
    "Y,YYY": lambda f: f"{abs(f.year) // 1000},{abs(f.year) % 1000:03d}",
    "YYY": lambda f: f"{abs(f.year) % 1000:03d}",
    "YY": lambda f: f"{abs(f.year) % 100:02d}",
    "RR": lambda f: f"{abs(f.year) % 100:02d}",
    "Y": lambda f: f"{abs(f.year) % 10}",
    "MM": lambda f: f"{f.month:02d}",
    "MONTH": lambda f: f"{MONTHS[f.month - 1]:<9}",
    "MON": lambda f: MONTHS[f.month - 1][:3],
    "DD": lambda f: f"{f.day:02d}",
    "DDD": lambda f: f"{_day_of_year(f):03d}",
    "D": lambda f: str((_weekday(f) + 1) % 7 + 1),
    "DAY": lambda f: f"{DAYS[_weekday(f)]:<9}",
    "DY": lambda f: DAYS[_weekday(f)][:3],
    "HH24": lambda f: f"{f.hour:02d}",
    "HH12": lambda f: f"{(f.hour + 11) % 12 + 1:02d}",
    "HH": lambda f: f"{(f.hour + 11) % 12 + 1:02d}",
    "MI": lambda f: f"{f.minute:02d}",
    "SS": lambda f: f"{f.second:02d}",
    "SSSSS": lambda f: f"{(f.hour * 60 + f.minute) * 60 + f.second:05d}",
    "AM": _half,
    "PM": _half,
    "A.M.": lambda f: ".".join(_half(f)) + ".",
    "P.M.": lambda f: ".".join(_half(f)) + ".",
    "BC": lambda f: "BC" if f.year < 0 else "AD",
    "AD": lambda f: "BC" if f.year < 0 else "AD",
    "B.C.": lambda f: "B.C." if f.year < 0 else "A.D.",
    "A.D.": lambda f: "B.C." if f.year < 0 else "A.D.",
    "Q": lambda f: str((f.month + 2) // 3),
    "WW": lambda f: f"{(_day_of_year(f) - 1) // 7 + 1:02d}",
    "W": lambda f: str((f.day - 1) // 7 + 1),
    "IW": lambda f: f"{_iso(f)[1]:02d}",
    "IYYY": lambda f: f"{_iso(f)[0]:04d}",
    "J": lambda f: f"{day_number(f.year, f.month, f.day):07d}",
    "X": lambda f: ".",
    "T": lambda f: "T",
    "FX": lambda f: "",
}


class Reader:
    """Reads one text by one format."""

    def __init__(self, text: str) -> None:
        self._rest = text.strip()
        self.found: dict[str, int] = {}
        self.zone = ""

    def read(self, text: str) -> None:
        for kind, value in model(text):
            if kind == "sign":
                self._skip(value)
            elif kind == "literal":
                self._literal(value)
            else:
                self._element(value.upper())
        if self._rest.strip():
            raise OracleError(1830, "date format picture ends before converting entire input string")

    def _skip(self, value: str) -> None:
        """Punctuation stands for any punctuation."""
        for sign in value:
            if sign.isspace():
                self._rest = self._rest.lstrip()
            elif self._rest and not self._rest[0].isalnum():
                self._rest = self._rest[1:]
            elif self._rest:
                raise OracleError(1861, "literal does not match format string")

    def _literal(self, value: str) -> None:
        if not self._rest.startswith(value):
            raise OracleError(1861, "literal does not match format string")
        self._rest = self._rest[len(value) :]

    def _element(self, name: str) -> None:
        if name in ("FM", "FX"):
            return
        if name in ("X", "T"):
            self._skip("." if name == "X" and self._rest else "")
            self._rest = self._rest.removeprefix("T") if name == "T" else self._rest
        elif name in ("MON", "MONTH", "DY", "DAY", "AM", "PM", "A.M.", "P.M.", "BC", "AD", "B.C.", "A.D."):
            self._word(name)
        elif name == "TZR":
            self._region()
        elif name in _WIDTHS:
            self._number(name)
        else:
            raise OracleError(1820, "format code cannot appear in date input format")

    def _word(self, name: str) -> None:
        choices = _WORDS[name[:3] if name[:3] in _WORDS else name[0]]
        for choice, (key, number) in choices:
            if self._rest.upper().startswith(choice):
                self._rest = self._rest[len(choice) :]
                self.found[key] = number
                return
        raise OracleError(*((1843, "not a valid month") if name[:3] == "MON" else (1855, "AM/A.M. or PM/P.M. required")))

    def _region(self) -> None:
        match = re.match(r"[-+]?[\w/:]+", self._rest)
        if match is None:
            raise OracleError(1882, "timezone region not found")
        self.zone, self._rest = match.group(), self._rest[match.end() :]

    def _number(self, name: str) -> None:
        self._rest = self._rest.lstrip() if name != "FF" else self._rest
        match = re.match(_WIDTHS[name], self._rest)
        if match is None:
            if not self._rest and name not in ("YYYY", "SYYYY", "RRRR", "MM", "DD"):
                return
            error = (1840, "input value not long enough for date format") if not self._rest else (1858, _NOT_NUMERIC)
            raise OracleError(*error)
        self._rest = self._rest[match.end() :]
        if name.startswith("FF"):
            self.found["nano"] = int(f"{match.group():0<9}"[:9])
        else:
            self.found[name] = int(match.group())
            if name == "TZH":
                self.found["sign"] = -1 if match.group().startswith("-") else 1


_NOT_NUMERIC = "a non-numeric character was found where a numeric was expected"
_HALVES = [("A.M.", ("half", 0)), ("P.M.", ("half", 12)), ("AM", ("half", 0)), ("PM", ("half", 12))]
_ERAS = [("B.C.", ("era", -1)), ("A.D.", ("era", 1)), ("BC", ("era", -1)), ("AD", ("era", 1))]
_WORDS = {
    "MON": [(word, ("MM", n)) for n, name in enumerate(MONTHS, 1) for word in (name, name[:3])],
    "DAY": [(word, ("weekday", n)) for n, name in enumerate(DAYS, 1) for word in (name, name[:3])],
    "D": [(word, ("weekday", n)) for n, name in enumerate(DAYS, 1) for word in (name, name[:3])],
    "AM": _HALVES,
    "PM": _HALVES,
    "A.M": _HALVES,
    "P.M": _HALVES,
    "BC": _ERAS,
    "AD": _ERAS,
    "B.C": _ERAS,
    "A.D": _ERAS,
}
_TWO = r"\d{1,2}"
_WIDTHS = {
    "SYYYY": r"[-+]?\d{1,4}",
    "YYYY": r"\d{1,4}",
    "RRRR": r"\d{1,4}",
    "YYY": r"\d{1,3}",
    "YY": _TWO,
    "RR": r"\d{4}|\d{1,2}",
    "Y": r"\d",
    "MM": _TWO,
    "DD": _TWO,
    "DDD": r"\d{1,3}",
    "HH24": _TWO,
    "HH12": _TWO,
    "HH": _TWO,
    "MI": _TWO,
    "SS": _TWO,
    "SSSSS": r"\d{1,5}",
    "J": r"\d{1,7}",
    "FF": r"\d{1,9}",
    **{f"FF{n}": rf"\d{{1,{n}}}" for n in range(1, 10)},
    "TZH": r"[-+]?\d{1,2}",
    "TZM": _TWO,
}


def read(text: str, format_: str, now: Fields) -> tuple[Fields, int | str | None]:
    """The moment that a text says, and its zone: minutes, a region, or None. What is missing is this month's first day, midnight."""
    reader = Reader(text)
    reader.read(format_)
    found = reader.found
    year, month, day = _date(found, now)
    hour, minute, second = _clock(found)
    fields = Fields(year, month, day, hour, minute, second, found.get("nano", 0))
    if reader.zone:
        return fields, reader.zone
    if "TZH" in found:
        return fields, found["sign"] * (abs(found["TZH"]) * 60 + found.get("TZM", 0))
    return fields, None


def _date(found: dict[str, int], now: Fields) -> tuple[int, int, int]:
    year = _year(found, now)
    month = found.get("MM", 1 if "DDD" in found else now.month)
    if not 1 <= month <= 12:
        raise OracleError(1843, "not a valid month")
    day = found.get("DD", 1)
    if not 1 <= day <= days_in(year, month):
        wrong = (
            (1839, "date not valid for month specified")
            if 1 <= day <= 31
            else (1847, "day of month must be between 1 and last day of month")
        )
        raise OracleError(*wrong)
    return year, month, day


def _year(found: dict[str, int], now: Fields) -> int:
    century = now.year // 100 * 100
    if "RR" in found or "RRRR" in found:
        year = found.get("RR", found.get("RRRR", 0))
        year += 0 if year > 99 else century if year < 50 else century - 100
    elif "YY" in found:
        year = century + found["YY"]
    elif "YYY" in found:
        year = now.year // 1000 * 1000 + found["YYY"]
    else:
        year = found.get("SYYYY", found.get("YYYY", now.year))
    year *= found.get("era", 1)
    if year == 0 or not -4713 < year <= 9999:
        raise OracleError(1841, "(full) year must be between -4713 and +9999, and not be 0")
    return year


def _clock(found: dict[str, int]) -> tuple[int, int, int]:
    if "SSSSS" in found:
        return found["SSSSS"] // 3600, found["SSSSS"] // 60 % 60, found["SSSSS"] % 60
    hour = found.get("HH24", found.get("HH12", found.get("HH", 0)) % 12 + found.get("half", 0))
    for value, highest, wrong in (
        (hour, 23, (1850, "hour must be between 0 and 23")),
        (found.get("MI", 0), 59, (1851, "minutes must be between 0 and 59")),
        (found.get("SS", 0), 59, (1852, "seconds must be between 0 and 59")),
    ):
        if not 0 <= value <= highest:
            raise OracleError(*wrong)
    return hour, found.get("MI", 0), found.get("SS", 0)
