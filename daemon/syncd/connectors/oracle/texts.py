"""What the server has written as text becomes what it means, a whole column at a time."""

import pyarrow as pa
import pyarrow.compute as pc

_INT64_DIGITS = 18
_EXACT_DIGITS = 15
"""Any decimal number of so many digits survives a 64-bit float (IEEE 754 binary64)."""


def as_json_numbers(texts: pa.Array) -> pa.Array:
    """Numbers in Oracle's shortest form (`.5`, `1E+125`): JSON numbers where readers keep all digits, else strings with all digits."""
    texts = pc.replace_substring_regex(texts, r"^(-?)\.", r"\10.")
    mantissa = pc.replace_substring_regex(texts, r"^-?0*|E.*$", "")
    whole = pc.and_(pc.invert(pc.match_substring_regex(texts, r"[^-0-9]")), _shorter(mantissa, _INT64_DIGITS))
    digits = pc.replace_substring_regex(pc.replace_substring(mantissa, ".", ""), r"^0+|0+$", "")
    plain = pc.and_(pc.match_substring_regex(texts, r"^-?[0-9]"), pc.or_(whole, _shorter(digits, _EXACT_DIGITS)))
    quoted = pc.binary_join_element_wise('"', texts, '"', "")
    return pa.ExtensionArray.from_storage(pa.json_(), pc.if_else(plain, texts, quoted))


def _shorter(texts: pa.Array, digits: int) -> pa.BooleanArray:
    return pc.less_equal(pc.utf8_length(texts), digits)


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
