"""How often a run is tried again when what stopped it should pass by itself."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from syncd.settings.section import Duration, Section


class Retry(Section):
    attempts: Annotated[int, Field(ge=1)] = 10
    """How often a run is begun in all before it counts as failed."""
    first: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=1)
    """The longest wait before the second attempt; it doubles from attempt to attempt."""
    most: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(minutes=1)
    """No wait is longer, unless the other side asks for more."""

    @model_validator(mode="after")
    def _ordered(self) -> "Retry":
        if self.most < self.first:
            raise ValueError("expected 'most' to be at least as long as 'first'")
        return self
