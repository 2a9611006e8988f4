"""What Meilisearch makes of a number with a point: now and then its neighbour.

It reads JSON with serde_json, whose quick way (`f64_from_parts` in `src/de.rs` of serde-rs/json, without `float_roundtrip`) scales an
integer of 64 bits by one power of ten. That is exact for 15 digits and 22 powers of ten; of random doubles with all their digits, one
in ten comes out one unit in the last place off.
"""

import re

_MOST = 2**64 - 1
_HIGHEST = 308
_POWERS = tuple(float(f"1e{exponent}") for exponent in range(_HIGHEST + 1))
_NUMBER = re.compile(r"(?P<sign>-?)(?P<whole>\d+)(?:\.(?P<fraction>\d+))?(?:[eE](?P<exponent>[+-]?\d+))?")


def as_kept(text: str) -> float:
    """The double that is kept of a JSON number; infinite for one that Meilisearch refuses."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return float(text)
    significand, skipped = _read(0, found["whole"])
    significand, ignored = _read(significand, found["fraction"] or "")
    exponent = skipped - len(found["fraction"] or "") + ignored + int(found["exponent"] or 0)
    value = _scaled(float(significand), exponent)
    return -value if found["sign"] else value


def _read(significand: int, digits: str) -> tuple[int, int]:
    """Take digits as long as 64 bits hold them; how many were left."""
    for place, digit in enumerate(digits):
        longer = significand * 10 + int(digit)
        if longer > _MOST:
            return significand, len(digits) - place
        significand = longer
    return significand, 0


def _scaled(value: float, exponent: int) -> float:
    while exponent < -_HIGHEST and value:
        value, exponent = value / _POWERS[_HIGHEST], exponent + _HIGHEST
    if not value:
        return value
    if exponent > _HIGHEST:
        return float("inf")
    return value * _POWERS[exponent] if exponent >= 0 else value / _POWERS[-exponent]
