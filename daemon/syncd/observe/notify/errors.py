"""Why a message did not arrive."""

from syncd.domain.errors import TransientError


class NotDelivered(TransientError):
    """It is tried again, with growing waits, for as long as it is true."""

    code = "notify.not_delivered"
