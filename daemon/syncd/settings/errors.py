"""Where bugs are reported."""

from syncd.settings.secret import Secret
from syncd.settings.section import Section


class ErrorsSection(Section):
    """`[daemon.errors]`."""

    dsn: Secret | None = None
    """The address of a project in Sentry or GlitchTip; without it, nothing is reported."""
    environment: str = ""
    """What the reports call this installation, such as `production`."""
