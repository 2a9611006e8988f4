"""A frame of ours comes only where one of the server's has ended, however its bytes are cut."""

from hypothesis import given
from hypothesis import strategies as st

from syncd.rpc.goodbye import GOAWAY, Frames

SETTINGS = bytes.fromhex("000000 04 00 00000000")
HEADERS, HEADERS_GO_ON, CONTINUATION_ENDS = (
    bytes([0, 0, 5, kind, flags, 0, 0, 0, 1]) + b"field" for kind, flags in ((1, 4), (1, 0), (9, 4))
)


def data(size: int) -> bytes:
    return size.to_bytes(3) + bytes([0, 0, 0, 0, 0, 1]) + bytes(size)


FRAMES = st.sampled_from([SETTINGS, HEADERS, data(0), data(3), data(300), GOAWAY])


@given(frames=st.lists(FRAMES, min_size=1), cuts=st.lists(st.integers(1, 400)))
def test_between_is_where_a_frame_has_ended(frames: list[bytes], cuts: list[int]) -> None:
    ends = {sum(map(len, frames[: number + 1])) for number in range(len(frames))}
    stream, at, followed = b"".join(frames), 0, Frames()

    for cut in [*cuts, len(b"".join(frames))]:
        piece = stream[at : at + cut]
        at += len(piece)
        followed.follow(piece)

        assert followed.between == (at in ends)


def test_nothing_comes_before_the_first_frame_of_the_server() -> None:
    assert not Frames().between


def test_nothing_comes_into_headers_that_fill_several_frames() -> None:
    followed = Frames()

    followed.follow(SETTINGS + HEADERS_GO_ON)
    inside = followed.between
    followed.follow(CONTINUATION_ENDS)

    assert not inside
    assert followed.between
