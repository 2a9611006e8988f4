"""Traces of runs, by OpenTelemetry."""
