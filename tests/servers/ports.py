"""Ports for servers of tests."""

import socket


def free_port(host: str = "127.0.0.1") -> int:
    """One where nobody listens at this moment."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        taken.bind((host, 0))
        port: int = taken.getsockname()[1]
        return port
