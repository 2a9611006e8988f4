"""Sends finished steps, and says once when that fails and once when it works again."""

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from syncd.observe.parts import Parts

_PART = "traces"


class Sending(SpanExporter):
    """Exports through another exporter, in the thread that the library keeps for it. Never raises."""

    def __init__(self, inner: SpanExporter, parts: Parts) -> None:
        self._inner = inner
        self._parts = parts

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._inner.export(spans)
        except Exception as error:  # noqa: BLE001 - the border: a bug in the library ends its thread otherwise
            self._parts.fails(_PART, error)
            return SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            self._parts.holds(_PART)
        else:
            self._parts.ails(_PART, "the collector takes none; steps are dropped until it does")
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)
