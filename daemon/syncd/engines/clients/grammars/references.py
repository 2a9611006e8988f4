"""How clients write references to environment variables, and back."""

import re
from dataclasses import dataclass

from syncd.domain.unified import Reference, Template, Text

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"


@dataclass(frozen=True, slots=True)
class Syntax:
    """What a client replaces in a text. There is no escape in any of them: text that looks like a reference cannot be written."""

    pattern: re.Pattern[str]
    """The group `braced` or `bare` is the variable, `default` the text behind `:-`."""
    spelling: str
    """With `%s` for the variable."""
    with_default: str = ""
    """With `%s` for variable and default; empty if there is no such form."""


BRACED_WITH_DEFAULT = Syntax(re.compile(rf"\$\{{(?P<braced>{_NAME})(?::-(?P<default>[^}}]*))?\}}"), "${%s}", "${%s:-%s}")
"""`${V}` and `${V:-default}`; `$V` is text."""
DOLLAR = Syntax(re.compile(rf"\$\{{(?P<braced>{_NAME})\}}|\$(?P<bare>{_NAME})"), "${%s}")
"""`$V` and `${V}`; `${V:-default}` is text."""
DOLLAR_WITH_DEFAULT = Syntax(
    re.compile(rf"\$\{{(?P<braced>{_NAME})(?::-(?P<default>[^}}]*))?\}}|\$(?P<bare>{_NAME})"), "${%s}", "${%s:-%s}"
)
"""`$V`, `${V}` and `${V:-default}`."""
ENV_IN_BRACES = Syntax(re.compile(rf"\{{env:(?P<braced>{_NAME})\}}"), "{env:%s}")
"""`{env:V}`."""
NONE = Syntax(re.compile(r"(?!)"), "")
"""Nothing is replaced."""


def parse(text: str, syntax: Syntax) -> Text:
    """Text with its references as such."""
    parts: list[str | Reference] = []
    end = 0
    for match in syntax.pattern.finditer(text):
        groups = match.groupdict()
        if match.start() > end:
            parts.append(text[end : match.start()])
        parts.append(Reference(groups.get("braced") or groups["bare"], groups.get("default")))
        end = match.end()
    if not parts:
        return text
    return Template((*parts, text[end:]) if end < len(text) else tuple(parts))


def spell(value: Text, syntax: Syntax) -> str | None:
    """A text in a client's own syntax; None if the client would take it for something else."""
    if isinstance(value, str):
        return value if parse(value, syntax) == value else None
    spelled = "".join(part if isinstance(part, str) else _spell(part, syntax) for part in value.parts)
    return spelled if parse(spelled, syntax) == value else None


def _spell(reference: Reference, syntax: Syntax) -> str:
    if reference.default is None or not syntax.with_default:
        return syntax.spelling % reference.variable if syntax.spelling else ""
    return syntax.with_default % (reference.variable, reference.default)
