"""A scripted daemon, and the client that is pointed at it."""

from collections.abc import Iterator

import pytest

from tests.ctl.harness import Ctl
from tests.ctl.scripted import World, serving


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def ctl(world: World) -> Iterator[Ctl]:
    with serving(world) as socket:
        yield Ctl(socket)
