"""What a service tells systemd (sd_notify(3))."""

import os
import socket


def notify(state: str) -> bool:
    """Send `READY=1` or the like, if systemd wants to hear it: answers whether it does. Raises `OSError` if it cannot be told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(state.encode(), address)
    return True
