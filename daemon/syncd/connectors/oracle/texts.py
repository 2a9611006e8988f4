"""What the server has written as text becomes what it means, a whole column at a time."""

import pyarrow as pa
import pyarrow.compute as pc

_FORM = r"^-?([0-9]{1,18}|[0-9]+\.[0-9]{1,22})$"
"""Whole numbers of 64 bits, and those with up to 22 digits behind the point."""
_EXACT_DIGITS = 15
"""A number of so many digits, scaled by up to 10^22, is the nearest double whatever reads it: both are doubles themselves."""


def as_json_numbers(texts: pa.Array) -> pa.Array:
    """Numbers in Oracle's shortest form (`.5`, `1E+125`): JSON numbers where all readers keep all digits, else strings with all digits."""
    texts = pc.replace_substring_regex(texts, r"^(-?)\.", r"\10.")
    digits = pc.replace_substring_regex(pc.replace_substring(texts, ".", ""), r"^-?0*|0+$", "")
    short = pc.less_equal(pc.utf8_length(digits), _EXACT_DIGITS)
    plain = pc.and_(pc.match_substring_regex(texts, _FORM), pc.or_(short, pc.invert(pc.match_substring(texts, "."))))
    quoted = pc.binary_join_element_wise('"', texts, '"', "")
    return pa.ExtensionArray.from_storage(pa.json_(), pc.if_else(plain, texts, quoted))


def as_json(texts: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(pa.json_(pa.large_string()), texts)


def without_blanks(texts: pa.Array) -> pa.Array:
    """Texts without the blanks at their ends."""
    return pc.utf8_rtrim(texts, " ")


def as_instants(moments: pa.Array) -> pa.Array:
    """Moments in UTC that do not say so."""
    return pc.assume_timezone(moments, "UTC")


def as_nanoseconds(texts: pa.Array) -> pa.Array:
    return pc.cast(texts, pa.timestamp("ns"))


def as_precise_instants(texts: pa.Array) -> pa.Array:
    return as_instants(as_nanoseconds(texts))
