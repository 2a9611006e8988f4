"""Who is at the other end of a TCP connection: its address, and the names in its certificate."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from typing import Any

from syncd.rpc.identity import Remote

_TELLING = ("URI", "DNS", "email")
"""Kinds of names by which a program or a person is known."""
_LETTERS = 200


def remote_of(transport: asyncio.Transport) -> Remote:
    """Raises `OSError` if it has gone already."""
    found = transport.get_extra_info("peername")
    if not found:
        raise ConnectionResetError(None, "gone already")
    return Remote(_plain(found[0]), tuple(dict.fromkeys(_names(transport.get_extra_info("peercert") or {}))))


def _plain(host: str) -> str:
    """An IPv4 address as such, though it came over a socket for both."""
    address = ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _names(certificate: dict[str, Any]) -> Iterator[str]:
    """The common name, then the others: `getpeercert` of Python's ssl has shown only what an authority of ours has signed."""
    subject = [pair for relative in certificate.get("subject", ()) for pair in relative]
    for kind, name in [*subject, *certificate.get("subjectAltName", ())]:
        if kind == "commonName" or kind in _TELLING:
            yield name if name.isprintable() and len(name) <= _LETTERS else ascii(name)[:_LETTERS]
