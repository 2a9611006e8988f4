"""Reads metrics as Prometheus does."""

import asyncio
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families


async def fetch(port: int, path: str = "/metrics", method: str = "GET") -> tuple[int, str]:
    """Status and body."""

    def get() -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(get)


async def samples(port: int) -> dict[str, float]:
    """Series -> value: `syncd_lag_seconds{sync="a"}`, labels in order of name."""
    status, text = await fetch(port)
    assert status == 200, text
    return {
        sample.name
        + (
            "{" + ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items())) + "}" if sample.labels else ""
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
