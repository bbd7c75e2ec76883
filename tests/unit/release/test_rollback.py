"""dataops rollback and dataops releases, in process, on versions that were made without dbt."""

from __future__ import annotations

import json
import re
import shutil
from datetime import datetime

import pytest

from dataops import cli, release
from dataops.versions import HISTORY, CannotRelease
from tests import versions
from tests.versions import DAY, prod_edition


def test_rolling_back_and_forth(prod, dataops):
    first, second = versions.release(prod, 1), versions.release(prod, 2)
    assert (
        f"{first.id} (1111111 feat: edition 1) would be prod; {second.id} is."
        in dataops("rollback", "--dry-run").output
    )
    assert prod_edition(prod) == 2
    done = dataops("rollback", "--reason", "wrong prices").output
    assert f"prod is {first.id} (1111111 feat: edition 1) again, swapped in" in done
    assert "To undo the rollback: make rollback TO=2" in done
    assert prod_edition(prod) == 1
    event = prod.history()[-1]
    assert (event["action"], event["id"], event["from"], event["reason"]) == (
        "rollback",
        first.id,
        second.id,
        "wrong prices",
    )
    assert dataops("rollback", code=2).output == (
        f"No version before {first.id} is kept. To go to another one: make rollback TO=2"
    )
    dataops("rollback", "2")
    assert prod_edition(prod) == 2
    assert "is prod already" in dataops("rollback", second.id, code=2).output


@pytest.mark.parametrize("arguments", [("1",), (f"0001-{DAY}",), ("--to", "1"), ("1", "--to", "1")])
def test_the_version_is_an_argument_or_an_option(prod, dataops, arguments):
    versions.release(prod, 1)
    versions.release(prod, 2)
    dataops("rollback", *arguments)
    assert prod_edition(prod) == 1


def test_two_different_versions_are_refused(prod, dataops):
    versions.release(prod, 1)
    versions.release(prod, 2)
    assert "VERSION is 2 and --to is 1. Name one version." in dataops("rollback", "2", "--to", "1", code=2).output
    assert prod_edition(prod) == 2


@pytest.mark.parametrize(
    ("name", "guess"),
    [("0001-2026-11-42", f"0001-{DAY}"), ("22", "2"), ("dryrun", "dry-run"), ("7", None)],
)
def test_a_misspelt_version_suggests_the_nearest(prod, dataops, name, guess):
    versions.release(prod, 1)
    versions.release(prod, 2)
    versions.make_folder(prod, prod.folder / "dry-run", 3)
    expected = f"There is no version '{name}'." + (f" Did you mean {guess}?" if guess else "")
    if guess != "dry-run":  # which cannot be prod
        output = dataops("rollback", name, code=2).output
        assert f"{expected} These versions are kept: 0002-{DAY}, 0001-{DAY}." in output
    with pytest.raises(CannotRelease, match=re.escape(f"{expected} These versions are kept")):
        release.open(name)


def test_a_misspelt_moment_suggests_the_nearest_day(prod, dataops):
    versions.release(prod, 41, day="2026-11-20")
    event = prod.history()[0] | {"at": "2026-11-20T12:00:00+00:00"}
    (prod.folder / HISTORY).write_text(json.dumps(event) + "\n")
    for text in ("2026-11-2o", "2026-1l-20", "41"):
        output = dataops("releases", "--as-of", text, code=2).output
        assert f"'{text}' is not a time. Did you mean 2026-11-20? Write" in output
    assert "Did you mean" not in dataops("releases", "--as-of", "yesterday", code=2).output
    assert "0041-2026-11-20: " in dataops("releases", "--as-of", "2026-11-21").output


def test_back_is_to_what_prod_was_made_from(prod, dataops):
    """A version that was rolled back from is neither rolled back to, nor kept in place of the one that was good."""
    first = versions.release(prod, 1)
    second = versions.release(prod, 2)
    dataops("rollback")
    third = versions.release(prod, 3)
    assert prod.before(third) == first
    assert prod.outdated(keep=2) == [second]
    dataops("rollback")
    assert prod_edition(prod) == 1


def test_the_last_versions_are_kept_and_prod_always(prod):
    kept = [versions.release(prod, number) for number in (1, 2, 3)]
    assert prod.outdated(keep=2) == kept[:1]
    prod.publish(kept[0])
    assert prod.outdated(keep=1) == [kept[2], kept[1]]


def test_a_stopped_candidate_is_no_version(prod, dataops):
    versions.release(prod, 1)
    versions.stop(prod, 2)
    assert f"0002-{DAY} was stopped, so it never was a version of prod." in dataops("rollback", "2", code=2).output


def test_nothing_released_yet(dataops, warehouse):
    listed = dataops("releases").output
    assert "Nothing was released yet:" in listed and "holds no version. Type: make release" in listed
    for arguments in (("rollback",), ("releases", "--as-of", "2026-01-01")):
        output = dataops(*arguments, code=2).output
        assert "Nothing was released yet" in output
        assert not output.endswith("make release"), "a release is no rollback"
    assert "so there is no version '7'" in dataops("rollback", "7", code=2).output
    assert not list(warehouse.iterdir()), "nothing is made by what finds nothing"
    assert "Nothing was released yet" in dataops("releases", "--history").output


def test_the_list_begins_with_its_headings(prod, capsys):
    versions.release(prod, 1)
    cli.run(["releases"])
    first, *_ = capsys.readouterr().out.splitlines()
    assert first.split()[0] == "version", "releases | head -1"


def test_the_only_version_cannot_be_rolled_back(prod, dataops):
    only = versions.release(prod, 1)
    assert dataops("rollback", code=2).output == f"No version before {only.id} is kept. No other version is kept."


def test_versions_are_listed_opened_and_found_by_time(prod, dataops):
    versions.release(prod, 1)
    versions.release(
        prod, 2, accepted="a new edition", crosscheck={"verdict": "different", "verdicts": {"a": "different"}}
    )
    versions.stop(prod, 3)
    versions.stop(prod, 4, "test unique_orders: 1 rows")
    listed = dataops("releases").output
    assert re.search(rf"0004-{DAY} stopped .*feat: edition 4 test unique_orders: 1 rows", listed), listed
    assert re.search(rf"0003-{DAY} stopped .*feat: edition 3 customers differs", listed), listed
    assert re.search(rf"0002-{DAY} prod .*feat: edition 2 2 tests passed; a new edition", listed), listed
    assert re.search(rf"0001-{DAY} .*feat: edition 1 2 tests passed; the first version", listed), listed
    output = dataops("releases", "--history").output
    assert output.index(f"0002-{DAY}") < output.index("a new edition")
    with release.open(1) as one, release.open("3") as stopped:
        assert one.sql("select number from staging.orders").fetchone() == (1,)
        assert stopped.sql("select number from staging.orders").fetchone() == (3,)


def test_a_version_is_found_by_time(prod, dataops):
    versions.release(prod, 1)
    versions.release(prod, 2)
    at = ("2026-11-20T10:00:00+00:00", "2026-11-21T10:00:00+00:00")
    events = [event | {"at": time} for event, time in zip(prod.history(), at, strict=True)]
    (prod.folder / HISTORY).write_text("".join(json.dumps(event) + "\n" for event in events))
    assert f"0001-{DAY}: " in dataops("releases", "--as-of", "2026-11-21 09:59").output
    assert f"0002-{DAY}: " in dataops("releases", "--as-of", "2026-11-21 10:00:00").output
    with release.as_of(datetime(2026, 11, 20, 12)) as then:
        assert then.sql("select number from staging.orders").fetchone() == (1,)
    output = dataops("releases", "--as-of", "2020-01-01", code=2).output
    assert (
        "Nothing was released yet at 2020-01-01 00:00:00+00:00. The first release was at 2026-11-20 10:00:00" in output
    )
    prod.remove(prod.find("1", prod.kept()))
    gone = dataops("releases", "--as-of", "2026-11-20 12:00", code=2).output
    assert f"0001-{DAY} was prod at 2026-11-20 12:00:00+00:00, and is not kept any more." in gone


@pytest.mark.parametrize("problem", ["damaged", "missing"])
def test_prod_that_lost_its_data_is_named(prod, dataops, problem):
    versions.release(prod, 1)
    lost = versions.release(prod, 2)
    file = lost.data.file
    if problem == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:5000])
    output = dataops("release", "--accept", "why", code=2).output
    assert f"0002-{DAY} is prod, and its data is {problem}." in output
    assert "Go back to a version that is whole: make rollback TO=1" in output
    assert not prod.stopped() and not prod.candidate.exists(), "what was refused leaves nothing"
    with pytest.raises(CannotRelease, match=f"0002-{DAY} cannot be read: its data is {problem}."):
        release.open(2)
    assert re.search(rf"0002-{DAY} prod .* its data is {problem}", dataops("releases").output)
    rolled_back = dataops("rollback", "1").output
    assert "To undo the rollback" not in rolled_back, "there is nothing to go back to"
    assert prod_edition(prod) == 1
    assert f"0002-{DAY} cannot be prod: its data is {problem}." in dataops("rollback", "2", code=2).output


@pytest.mark.parametrize("target", [None, "releases/0009-2026-01-01"])
def test_a_vanished_or_dangling_link_is_not_taken_for_a_first_release(prod, dataops, target):
    versions.release(prod, 1)
    link = prod.folder / "current"
    link.unlink()
    if target:
        link.symlink_to(target)
    for command in ("release", "rollback", "releases"):
        output = dataops(command, code=2).output
        assert "so nothing says which version is prod" in output
        assert f"Type: make rollback TO=0001-{DAY}" in output
    assert f" 0001-{DAY} " in dataops("releases", code=2).output
    dataops("rollback", f"0001-{DAY}")
    assert prod_edition(prod) == 1
    shutil.rmtree(prod.folder / "releases")
    assert "no version is kept" in dataops("release", code=2).output


def test_numbers_count_up_whatever_the_clock_says(prod, dataops):
    """What is left by a clock that was ahead by years, and was set back since."""
    versions.release(prod, 41, day="2031-01-01")
    now = datetime(2026, 11, 24)
    assert prod.next_id(now) == f"0042-{DAY}"
    versions.release(prod, 42)
    dataops("rollback")
    assert prod.current().id == "0041-2031-01-01"
    assert prod.next_id(now) == f"0043-{DAY}"


def test_a_long_history_says_that_it_is_the_end_of_it(prod, dataops):
    versions.release(prod, 1)
    assert "The last" not in dataops("releases", "--history").output
    file = prod.folder / HISTORY
    file.write_text(file.read_text() * 12)
    output = dataops("releases", "--history").output
    assert output.count(f"0001-{DAY}") == 10
    assert re.search("The last 10 of 12: .*/prod/history.jsonl", output)


def test_a_torn_line_of_the_history_is_passed_over(prod):
    versions.release(prod, 1)
    file = prod.folder / HISTORY
    file.write_text(file.read_text() + '{"action": "rel')
    versions.release(prod, 2)
    assert [event["id"] for event in prod.history()] == [f"0001-{DAY}", f"0002-{DAY}"]


def test_an_entry_without_data_says_why(prod, dataops):
    versions.release(prod, 1)
    stopped = versions.stop(prod, 2, "dbt cannot parse the project: no Jinja")
    stopped.data.file.unlink()
    assert "dbt cannot parse the project:" in dataops("releases").output
    with pytest.raises(CannotRelease) as raised:
        release.open(2)
    assert f"0002-{DAY} holds no data: its release was stopped before any was made: dbt cannot" in str(raised.value)
    assert "was made with DuckDB" not in str(raised.value)


def test_readers_keep_the_version_that_they_opened(prod, dataops):
    versions.release(prod, 1)
    versions.release(prod, 2)
    with release.open(2) as opened:
        dataops("rollback")
        assert opened.sql("select number from staging.orders").fetchone() == (2,)
    assert prod_edition(prod) == 1
