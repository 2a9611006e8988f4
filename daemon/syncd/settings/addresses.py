"""Addresses of hosts and ports, as people write them."""

from ipaddress import ip_address

_LARGEST_PORT = 65_535


def host_and_port(address: str) -> tuple[str, int]:
    """Split `127.0.0.1:9464` or `[::1]:9464`. Raises `ValueError`."""
    host, colon, port = address.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    is_number = port.isascii() and port.isdecimal() and int(port) <= _LARGEST_PORT
    if not colon or not bare or not is_number or (":" in bare) == (bare == host):
        raise ValueError(f"expected HOST:PORT, such as '127.0.0.1:9464' or '[::1]:9464', got {address!r}")
    return bare, int(port)


def is_loopback(host: str) -> bool:
    """Only this machine reaches it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
