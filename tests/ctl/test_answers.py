"""What each command answers, as a table and as JSON."""

import json
from datetime import timedelta

import pytest
import yaml
from google.protobuf.duration_pb2 import Duration

from syncapi.v1.common_pb2 import Failure, RunState
from syncapi.v1.control_pb2 import (
    CancelRunRequest,
    ConnectionCheck,
    DiscardDeadLettersRequest,
    ListDeadLettersRequest,
    ListRunsRequest,
    PauseSyncRequest,
    ResetSyncRequest,
    ResumeSyncRequest,
)
from tests.ctl.harness import Ctl
from tests.ctl.scripted import OTHER_RUN, RUN, World, at, failed, found


def test_status_tells_every_sync_at_a_glance(ctl: Ctl) -> None:
    answer = ctl("status")

    heading, customers, products, orders = answer.out.splitlines()[:4]
    assert heading.split("  ")[0] == "SYNC"
    assert customers.split() == ["customers", "halted", "incremental", "failed", "3", "h", "ago", "0", "2025-06-29", "07:11:42", "0", "–"]
    assert "full done, 60 refused  2 m ago" in products
    assert "+49,940  2025-06-30 18:00:00    60  in 3 m" in products
    assert "running loading, 62%, 2 s left" in orders
    assert "31,000/50,000" in orders
    assert answer.code == 0


def test_status_says_what_is_wrong_and_what_to_do(ctl: Ctl) -> None:
    answer = ctl("status", "customers")

    assert "Meilisearch rejects the key  connection.credentials" in answer.out
    assert "→ check `key` in the settings; then `syncctl resume customers`" in answer.out
    assert "note: 3 rows have no watermark" in answer.out


def test_status_of_some_syncs_shows_these_only(ctl: Ctl) -> None:
    answer = ctl("status", "주문", "-o", "json")

    assert [sync["name"] for sync in json.loads(answer.out)["syncs"]] == ["주문"]


def test_a_daemon_without_syncs_is_no_error(ctl: Ctl, world: World) -> None:
    world.syncs.clear()

    answer = ctl("status")

    assert (answer.code, answer.out) == (0, "no syncs: the settings name none\n")


def test_json_is_the_protobuf_mapping_with_all_pages_and_defaults(ctl: Ctl) -> None:
    answer = ctl("-o", "json", "status")

    reply = json.loads(answer.out)
    products = reply["syncs"][1]
    assert [sync["name"] for sync in reply["syncs"]] == ["customers", "products", "주문"]
    assert reply["nextPageToken"] == ""
    assert products["phase"] == "PHASE_IDLE"
    assert products["deadLetters"] == "60"
    assert products["lastRun"]["counters"]["deleted"] == "0"
    assert products["warnings"] == []
    assert "problem" not in products
    assert answer.err == ""


def test_yaml_says_the_same_as_json_wherever_the_option_stands(ctl: Ctl) -> None:
    as_json, as_yaml = ctl("run-show", RUN, "-o", "json"), ctl("-o", "yaml", "run-show", RUN)

    assert yaml.safe_load(as_yaml.out) == json.loads(as_json.out)


def test_show_lays_out_settings_checkpoint_modes_and_last_runs(ctl: Ctl) -> None:
    answer = ctl("show", "products")

    assert answer.out.startswith("products  idle\n")
    assert "  source.connection  shop\n" in answer.out
    assert "  watermark  2025-06-30 18:00:00\n" in answer.out
    assert "  full    brings over everything                  replace: fill a new index, then swap\n" in answer.out
    assert "  verify  compares source and target  reads only  repair: mend what differs\n" in answer.out
    assert f"  {RUN}  products  full" in answer.out


def test_runs_are_listed_across_pages_up_to_the_limit(ctl: Ctl) -> None:
    both, one = ctl("runs"), ctl("runs", "--limit", "1")

    assert [line.split()[0] for line in both.out.splitlines()] == ["RUN", RUN, OTHER_RUN]
    assert "ada  done, 60 refused" in " ".join(both.out.split()).replace(" ada ", " ada  ")
    assert [line.split()[0] for line in one.out.splitlines()] == ["RUN", RUN]


def test_runs_are_chosen_by_sync_state_and_time(ctl: Ctl, world: World) -> None:
    ctl("runs", "products", "--state", "done", "--state", "failed", "--since", "1h")

    (request,) = world.requests(ListRunsRequest)
    assert request.sync == "products"
    assert list(request.states) == [RunState.RUN_STATE_DONE, RunState.RUN_STATE_FAILED]
    assert abs(at(timedelta(hours=1)).seconds - request.since.seconds) < 30


def test_a_run_is_shown_with_its_failure_and_what_to_do(ctl: Ctl, world: World) -> None:
    world.runs["F"] = failed(id="F", parameters={"replace": "true"})

    answer = ctl("run-show", "F")

    assert answer.code == 0
    assert answer.out.startswith("✗ products full  failed in 4.0 s  F\n")
    assert "  why         request by ada\n  parameters  replace=true\n" in answer.out
    assert "  what   Meilisearch rejects the key  connection.credentials\n  to do  check `key` in the settings\n" in answer.out


def test_a_report_is_laid_out_as_facts_sections_and_tables(ctl: Ctl, world: World) -> None:
    different = [{"id": 1, "source": 12.5, "index": 13}, {"id": 20, "source": "회색 의자", "index": "grey chair"}]
    world.runs["V"] = found({"checked": 50000, "missing_keys": ["4711", "4712"], "different": different}, id="V", mode="verify")

    answer = ctl("run-show", "V")

    assert answer.out.endswith(
        "\n"
        "checked       50000\n"
        "missing keys  4711, 4712\n"
        "\n"
        "different\n"
        "  id  source     index\n"
        "   1  12.5       13\n"
        "  20  회색 의자  grey chair\n"
    )


def test_cancelling_says_what_happens(ctl: Ctl, world: World) -> None:
    under_way, over = ctl("cancel", OTHER_RUN), ctl("cancel", RUN)

    assert under_way.out == "주문 incremental ends after its current batch; now it is running\n"
    assert over.out == "products full is done, 60 refused\n"
    assert [request.run for request in world.requests(CancelRunRequest)] == [OTHER_RUN, RUN]


def test_a_sync_is_paused_and_resumed(ctl: Ctl, world: World) -> None:
    paused, resumed = ctl("pause", "products"), ctl("resume", "products")

    assert paused.out == "products is paused; `syncctl resume products` lets it go on\n"
    assert resumed.out == "products is idle\n"
    assert world.requests(PauseSyncRequest)[0].sync == world.requests(ResumeSyncRequest)[0].sync == "products"


def test_a_reset_needs_a_yes(ctl: Ctl, world: World) -> None:
    refused = ctl("reset", "products")
    granted = ctl("reset", "products", "--yes")

    assert refused.code == 2
    assert "Add --yes" in refused.err
    assert granted.out == "products is idle; the next run starts from the beginning\n"
    assert len(world.requests(ResetSyncRequest)) == 1


def test_dead_letters_are_listed_and_shown_with_their_document(ctl: Ctl, world: World) -> None:
    listed, shown = ctl("dead-letters", "list", "products"), ctl("dead-letters", "show", "2")

    assert listed.out.splitlines()[2].startswith(' 2  products  ["bad id 2"]  invalid_document_id  found a space in the id')
    assert shown.out.startswith('products ["bad id 2"]  invalid_document_id\n')
    assert "Document\n  id     bad id 2\n  title  회색 의자\n  price  12.5\n" in shown.out
    assert [request.with_documents for request in world.requests(ListDeadLettersRequest)] == [False, True]


def test_a_dead_letter_that_does_not_exist_is_not_found(ctl: Ctl) -> None:
    answer = ctl("dead-letters", "show", "99")

    assert (answer.code, answer.out) == (4, "")
    assert answer.err == "error: no dead letter 99\n hint: all of them: `syncctl dead-letters list`\n"


def test_dead_letters_are_discarded_by_id_or_all(ctl: Ctl, world: World) -> None:
    two, every = ctl("dead-letters", "discard", "products", "1", "3", "--yes"), ctl("dead-letters", "discard", "products", "--yes")

    assert (two.out, every.out) == ("2 dead letters of products forgotten\n", "3 dead letters of products forgotten\n")
    assert [list(request.ids) for request in world.requests(DiscardDeadLettersRequest)] == [[1, 3], []]


@pytest.mark.parametrize(("shop_is_there", "code"), [(True, 0), (False, 1)])
def test_a_connection_that_fails_makes_the_check_fail(ctl: Ctl, world: World, shop_is_there: bool, code: int) -> None:
    failure = Failure(code="source.unavailable", message="no such file: shop.duckdb", hint="check `path` in [connections.shop]")
    world.connections = [
        ConnectionCheck(
            name="search", kind="meilisearch", ok=True, message="Meilisearch 1.21.0, 14 indexes", latency=Duration(nanos=4_200_000)
        ),
        ConnectionCheck(name="shop", kind="duckdb", ok=shop_is_there, message="12 tables", failure=None if shop_is_there else failure),
    ]

    answer = ctl("connections", "check")

    assert answer.code == code
    assert "search      meilisearch  ok" in answer.out
    assert "4.2 ms  Meilisearch 1.21.0, 14 indexes" in answer.out
    assert ("→ check `path` in [connections.shop]" in answer.out) != shop_is_there


def test_the_daemon_tells_who_it_is_and_what_a_reload_changed(ctl: Ctl) -> None:
    info, reload = ctl("daemon", "info"), ctl("daemon", "reload")

    assert "version       0.1.0\n" in info.out
    assert "started       3 d ago" in info.out
    assert "syncs         3, 1 running\n" in info.out
    assert reload.out == "added            reviews\nchanged          products\nneeds a restart  daemon.state_dir\n"


def test_versions_more_than_a_minor_apart_are_warned_of(ctl: Ctl, world: World) -> None:
    near = ctl("version")
    world.version = "0.3.1"
    far = ctl("version")

    assert (near.out, near.err) == ("client  0.1.0\ndaemon  0.1.0\n", "")
    assert far.code == 0
    assert far.err.startswith("warning: client 0.1.0 and daemon 0.3.1 are more than a minor apart")


def test_the_version_is_told_without_a_daemon() -> None:
    answer = Ctl()("version", "--address", "/nowhere/syncd.sock")

    assert answer.code == 0
    assert answer.out.startswith("client  0.1.0\ndaemon  no daemon answers at unix:/nowhere/syncd.sock")
