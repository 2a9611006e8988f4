from syncd.settings.difference import Difference, difference
from syncd.settings.load import Settings
from tests.settings.world import Written

BASE = """
[daemon]
concurrency = 4
[connections.shop]
kind = "file"
path = "x"
[connections.index]
kind = "server"
url = "u"
[syncs.a]
engine = "copy"
source.connection = "shop"
to = "index"
[syncs.b]
engine = "copy"
source.connection = "shop"
"""


def changed(written: Written, *replacements: tuple[str, str], more: str = "") -> tuple[Settings, Settings]:
    old = written.main(BASE).load()
    text = BASE + more
    for before, after in replacements:
        assert before in text
        text = text.replace(before, after)
    return old, written.main(text).load()


def told(*, added: str = "", removed: str = "", changed: str = "", restart: tuple[str, ...] = ()) -> Difference:
    added_, removed_, changed_ = (frozenset(names.split()) for names in (added, removed, changed))
    return Difference(added_, removed_, changed_, restart)  # type: ignore[arg-type]


def test_the_same_settings_do_not_differ(written: Written) -> None:
    assert difference(*changed(written)) == told()


def test_the_same_settings_in_other_files_do_not_differ(written: Written) -> None:
    old = written.main(BASE).load()

    new = written.main("").part("all.toml", BASE).load()

    assert difference(old, new) == told()


def test_a_sync_that_came_and_one_that_went_are_told(written: Written) -> None:
    assert difference(*changed(written, ("[syncs.b]", "[syncs.c]"))) == told(added="c", removed="b")


def test_a_sync_whose_own_section_changed_is_told(written: Written) -> None:
    assert difference(*changed(written, ('to = "index"', 'to = "index"\nevery = "1m"'))) == told(changed="a")


def test_a_sync_that_now_says_what_was_the_default_did_not_change(written: Written) -> None:
    assert difference(*changed(written, ('to = "index"', 'to = "index"\nevery = "5m"'))) == told()


def test_the_syncs_that_use_a_changed_connection_are_told(written: Written) -> None:
    assert difference(*changed(written, ('url = "u"', 'url = "v"'))) == told(changed="a")
    assert difference(*changed(written, ('path = "x"', 'path = "y"'))) == told(changed="a b")


def test_a_connection_of_another_kind_with_the_same_section_is_a_change(written: Written) -> None:
    assert difference(*changed(written, ('kind = "file"', 'kind = "both"'))) == told(changed="a b")


def test_a_connection_that_nobody_uses_changes_nothing(written: Written) -> None:
    assert difference(*changed(written, more='[connections.other]\nkind = "file"\npath = "z"')) == told()


def test_what_needs_a_restart_is_told_by_its_key(written: Written) -> None:
    old, new = changed(written, ("concurrency = 4", 'concurrency = 5\nstate_dir = "other"'))

    assert difference(old, new) == told(restart=("daemon.state_dir", "daemon.concurrency", "listen"))


def test_another_socket_needs_a_restart(written: Written) -> None:
    assert difference(*changed(written, more='[[listen]]\nsocket = "s"')) == told(restart=("listen",))
