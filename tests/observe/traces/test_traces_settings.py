"""Settings of traces, and what is wrong with some."""

import pytest

from syncd.domain.errors import BadCredentials
from syncd.observe.parts import Parts
from syncd.observe.traces.tracing import tracing
from syncd.settings.traces import TracesSection

SECRET = {"authorization": {"env": "NO_SUCH_VARIABLE"}}


@pytest.mark.parametrize(
    "written",
    [
        pytest.param({}, id="off"),
        pytest.param({"endpoint": "http://127.0.0.1:4318/v1/traces", "headers": SECRET}, id="loopback"),
        pytest.param({"endpoint": "https://collector.example/v1/traces", "headers": SECRET}, id="https"),
        pytest.param({"endpoint": "http://collector.example:4318/v1/traces", "anywhere": True}, id="where it is meant"),
    ],
)
def test_what_stays_private_is_fine(written: dict[str, object]) -> None:
    assert TracesSection.model_validate(written).endpoint == written.get("endpoint")


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        pytest.param({"endpoint": "http://collector.example/v1/traces"}, "anywhere = true", id="readable on the way"),
        pytest.param(
            {"endpoint": "http://collector.example/v1/traces", "anywhere": True, "headers": SECRET},
            "over https only",
            id="secrets on the way",
        ),
        pytest.param({"endpoint": "127.0.0.1:4318"}, "expected the address", id="no address"),
        pytest.param({"endpoint": "https://me:hush@collector.example/"}, "use 'headers'", id="a login"),
        pytest.param({"endpoint": "https://collector.example/?key=hush"}, "use 'headers'", id="a key"),
        pytest.param({"endpoint": "https://collector.example/", "headers": {"a": "hush"}}, "a secret is never written", id="a secret"),
    ],
)
def test_what_does_not_is_refused_with_the_remedy(written: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as refused:
        TracesSection.model_validate(written)

    assert "hush" not in str(refused.value)


async def test_a_header_that_cannot_be_read_is_told_at_the_start() -> None:
    section = TracesSection.model_validate({"endpoint": "https://collector.example/", "headers": SECRET})

    with pytest.raises(BadCredentials, match="NO_SUCH_VARIABLE"):
        async with tracing(section, "1", Parts()):
            raise AssertionError("it started")
