"""make release, make releases, make rollback, on a small project with real builds."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import duckdb
import pytest

from tests.helpers import REPOSITORY, clean_environment, copy_project, run, start, succeed
from tests.holder import holding
from tests.small_project import (
    commit,
    current,
    dataops,
    edition,
    edition_in,
    facts,
    head,
    history,
    in_folder,
    make_release,
    set_edition,
)

PROD = "warehouse/prod/current/prod.duckdb"
TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
ACCEPT = ("--accept", "a new edition")


@pytest.fixture
def project(released_project, tmp_path) -> Path:
    """Edition 1 is prod."""
    return copy_project(released_project, tmp_path)


@pytest.fixture
def nothing_released(small_project, tmp_path) -> Path:
    return copy_project(small_project, tmp_path)


def checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def rows_counted(project: Path) -> int:
    with duckdb.connect(str(project / PROD), read_only=True) as prod:
        return prod.execute("select count(*) from staging.counted").fetchone()[0]


# Releasing


def test_a_version_holds_all_that_is_asked_of_it(project):
    id = f"0001-{TODAY}"
    assert current(project) == id
    folder = project / "warehouse/prod/releases" / id
    assert {path.name for path in folder.iterdir()} == {
        "prod.duckdb",
        "manifest.json",
        "run_results.json",
        "docs.html",
        "release.json",
    }
    told = facts(project, "releases", id)
    commit = succeed("git", "rev-parse", "HEAD", cwd=project).output.strip()
    assert (told["commit"], told["uncommitted"], told["outcome"], told["base"]) == (commit, [], "published", None)
    assert told["made_by"]
    assert datetime.fromisoformat(told["made_at"]).tzinfo
    assert told["tools"]["duckdb"] == duckdb.__version__
    assert {"dbt-core", "dbt-duckdb", "python"} <= told["tools"].keys()
    assert told["results"] == {"built": 5, "passed": 2, "warned": 0, "failed": 0}
    assert json.loads((folder / "manifest.json").read_text())["nodes"]["model.small.first"]["database"] == "prod"
    assert "small" in (folder / "docs.html").read_text(encoding="utf-8")
    assert (folder / "prod.duckdb").stat().st_mode & 0o222 == 0, "a version is for reading"


def test_a_release_starts_from_prod_and_is_seen_at_once_as_a_whole(project):
    before = duckdb.connect(str(project / PROD), read_only=True)
    set_edition(project, 2)
    done = make_release(project, *ACCEPT)
    assert "0002 against 0001" in done.output
    assert "(accepted: a new" in done.output
    assert edition(project) == 2
    assert rows_counted(project) == 2, "the incremental model goes on from prod's rows"
    assert edition_in(before) == 1, "who has prod open keeps the version that was opened"
    before.close()
    told = facts(project, "releases", current(project))
    assert told["accepted"] == "a new edition"
    assert told["crosscheck"]["verdict"] == "different"
    folder = project / "warehouse/prod/current/crosscheck"
    assert {path.name for path in folder.iterdir()} == {"report.html", "summary.md", "result.json"}
    assert [(event["action"], event["id"], event["from"]) for event in history(project)] == [
        ("release", f"0001-{TODAY}", None),
        ("release", f"0002-{TODAY}", f"0001-{TODAY}"),
    ]
    assert history(project)[1]["reason"] == "a new edition"
    assert not (project / "warehouse/prod/candidate").exists()


def test_a_dry_run_stops_before_the_swap(project):
    before = checksum(project / PROD)
    set_edition(project, 2)
    refused = make_release(project, "--dry-run", code=1).output
    assert f"It would not be released: prod is still 0001-{TODAY}." in refused
    assert "--candidate" not in refused, "a dry run has no number that could be published"
    done = make_release(project, "--dry-run", *ACCEPT)
    assert "Nothing was released: this was a dry run" in done.output
    assert "is kept in warehouse/prod/dry-run until the next dry run" in done.output
    assert (current(project), checksum(project / PROD)) == (f"0001-{TODAY}", before)
    assert in_folder(project, "stopped") == []
    assert len(history(project)) == 1
    assert re.search(r"dry-run +dry run .*feat: edition 2 ", dataops(project, "releases").output)
    command = re.search(r'-ic "([^"]+)"', done.output)[1]
    opened = succeed(".venv/bin/python", "-c", f"{command}; print(prod.sql('select 41 + 1'))", cwd=project)
    assert "42" in opened.output
    assert "A dry run has no number" in make_release(project, "--candidate", "dry-run", code=2).output
    make_release(project, *ACCEPT)
    assert current(project) == f"0002-{TODAY}", "a dry run takes no number"


def test_what_a_killed_release_leaves_is_put_where_it_belongs(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_DIR", str(tmp_path))
    store = import_module("dataops.release.store")

    def left_behind(id: str, data: bytes | None) -> None:
        store.candidate().mkdir(parents=True)
        store.write_facts(store.candidate(), {"id": id, "outcome": "stopped", "reasons": ["it was killed"]})
        if data is not None:
            (store.candidate() / store.DATA).write_bytes(data)

    for data in (b"1", b"2"):  # of two dry runs the last one is kept
        left_behind("dry-run", data)
        assert "dry-run; prod is as it was" in store.recover(None, "ada")[0]
        assert (tmp_path / "prod/dry-run" / store.DATA).read_bytes() == data
    left_behind("0001-2026-11-24", None)
    assert store.recover(None, "ada") == ["A release did not finish. It had made nothing yet; prod is as it was."]
    left_behind("0001-2026-11-24", b"")
    store.recover(None, "ada")
    assert [version.id for version in store.stopped()] == ["0001-2026-11-24"]
    assert store.next_id(datetime.now(UTC)) == f"0002-{TODAY}"


def test_the_last_versions_are_kept_and_prod_always(project):
    for number in (2, 3):
        set_edition(project, number)
        make_release(project, *ACCEPT, "--keep", "2")
    assert in_folder(project, "releases") == [f"0002-{TODAY}", f"0003-{TODAY}"]
    dataops(project, "rollback", "--to", "2")
    prod_was = current(project)
    set_edition(project, 4)
    done = make_release(project, *ACCEPT, RELEASES_KEPT="1")
    assert in_folder(project, "releases") == [f"0004-{TODAY}"]
    assert f"Removed {prod_was}" in done.output
    assert rows_counted(project) == 3, "it started from the version that was prod, not from the newest"


def test_what_the_code_no_longer_has_is_dropped_where_that_is_accepted(project):
    (project / "models/staging/counted.sql").unlink()
    commit(project, "feat: no count")
    done = make_release(project, code=1)
    assert "only in 0001" in done.output
    make_release(project, "--accept", "nobody reads it")
    assert facts(project, "releases", current(project))["dropped"] == ["staging.counted"]
    with duckdb.connect(str(project / PROD), read_only=True) as prod:
        names = prod.execute("select table_name from duckdb_tables() where schema_name = 'staging'").fetchall()
    assert {name for (name,) in names} == {"first", "second"}
    make_release(project)


# The audit


def stopped(project: Path, *options: str, **environment: str) -> str:
    """What a release prints that the audit stops; prod is untouched, the candidate kept, and its command opens it."""
    id, before = current(project), checksum(project / PROD)
    output = make_release(project, *options, code=1, **environment).output
    assert (current(project), checksum(project / PROD)) == (id, before)
    newest = in_folder(project, "stopped")[-1]
    assert f"{newest} is not released: prod is still {id}." in output
    assert f"The candidate is kept in warehouse/prod/stopped/{newest}." in output
    told = facts(project, "stopped", newest)
    assert told["outcome"] == "stopped"
    assert told["reasons"]
    python, code = re.search(r'To look into it: (\S+) -ic "([^"]+)"', output).groups()
    opened = succeed(python, "-c", f"{code}; print(prod.sql('select 41 + 1'))", cwd=project)
    assert "42" in opened.output
    return output


def test_a_failed_test_stops_it(project):
    set_edition(project, "1\n1")
    output = stopped(project)
    assert "- test unique_first_number: 1 rows" in output
    assert "more were skipped for it" in output
    newest = project / "warehouse/prod/stopped" / in_folder(project, "stopped")[-1]
    assert {"manifest.json", "run_results.json"} <= {path.name for path in newest.iterdir()}


UNIT_TEST = """
unit_tests:
  - name: the_number_is_handed_on
    description: It is not.
    model: first
    given: [{input: ref('edition'), rows: [{number: 1}]}]
    expect: {rows: [{number: 2}]}
"""


def test_a_failed_unit_test_stops_it_by_its_own_name(project):
    with (project / "models/staging/small.yml").open("a", encoding="utf-8") as file:
        file.write(UNIT_TEST)
    commit(project, "test: what cannot be")
    assert re.search("^- unit test the_number_is_handed_on of first$", stopped(project), re.MULTILINE)


def test_a_test_that_only_warns_does_not_stop_it(project):
    yaml = project / "models/staging/small.yml"
    yaml.write_text(yaml.read_text().replace("[unique, not_null]", "[{unique: {config: {severity: warn}}}, not_null]"))
    set_edition(project, "1\n1")
    make_release(project, *ACCEPT)
    assert facts(project, "releases", current(project))["results"]["warned"] == 1


def test_a_model_that_cannot_be_built_stops_it(project):
    (project / "models/staging/second.sql").write_text("select no_such_column\n")
    commit(project, "feat: broken")
    assert '- model second: Binder Error: Referenced column "no_such_column" was not found' in stopped(project, *ACCEPT)
    # And where dbt ends before it builds: its own words, in `make releases` too.
    (project / "models/staging/second.sql").write_text("select * from {{ ref('no_such_model') }}\n")
    commit(project, "feat: still broken")
    reason = (
        "dbt cannot parse the project: Model 'model.small.second' (models/staging/second.sql) depends on a node named"
        " 'no_such_model'"
    )
    output = make_release(project, *ACCEPT, code=1).output
    assert f"- {reason} which was not found\n" in output
    assert "To look into it" not in output, "nothing was built"
    assert facts(project, "stopped", in_folder(project, "stopped")[-1])["reasons"] == [f"{reason} which was not found"]
    assert "dbt cannot parse the project:" in dataops(project, "releases").output
    make_release(project, *ACCEPT, code=1, DBT_THREADS="none")
    (reason,) = facts(project, "stopped", in_folder(project, "stopped")[-1])["reasons"]
    assert reason == "dbt cannot parse the project: DBT_THREADS is 'none'. It must be a number of threads, 1 or more"


def test_what_crosscheck_finds_stops_it_and_a_trailer_of_the_commit_accepts_it(project):
    set_edition(project, 2)
    output = stopped(project)
    assert "0002 against 0001, 4 models: 4 different." in output
    assert "- first differs, and nobody accepted that" in output
    newest = project / "warehouse/prod/stopped" / in_folder(project, "stopped")[-1]
    assert (newest / "crosscheck/report.html").exists()
    commit(project, "feat: all is meant to differ\n\nAccept-Differences: edition 2 is out")
    commit(project, "docs: another commit after it")
    make_release(project)
    assert facts(project, "releases", current(project))["accepted"] == "edition 2 is out"
    set_edition(project, 3)
    assert "is not released" in stopped(project), "what was accepted once is not accepted for ever"


def test_what_is_accepted_of_one_model_is_not_accepted_of_another(project):
    set_edition(project, 2, "feat: edition 2\n\nAccept-Differences: frist, second, shown: edition 2 is out")
    output = stopped(project)
    lines = [line for line in output.splitlines() if line.startswith("- ")]
    assert lines[1:] == [
        "- counted differs, and nobody accepted that",
        "- first differs, and nobody accepted that",
        "- frist, which is accepted, is no model",
    ]
    warned, built = "names frist, which is not a model (did you mean first?): it accepts nothing", "2/6 build and test"
    assert 0 < output.index(warned) < output.index(built)
    assert "make release ARGS=\"--accept 'counted, first: why' --candidate 2\"" in output
    newest = facts(project, "stopped", in_folder(project, "stopped")[-1])
    assert sorted(newest["crosscheck"]["accepted"]) == ["second", "shown"]
    commit(project, "docs: more of it\n\nAccept-Differences: first,counted: it counts editions")
    reasons = "counted, first: it counts editions; frist, second, shown: edition 2 is out"
    make_release(project)
    assert history(project)[-1]["reason"] == reasons
    told = facts(project, "releases", current(project))
    assert told["accepted"] == reasons
    assert len(told["crosscheck"]["accepted"]) == 4


def test_names_of_models_alone_are_no_reason(project):
    set_edition(project, 2)
    output = make_release(project, "--accept", "first, second", code=2).output
    assert "--accept names models and gives no reason: first, second." in output
    assert "make release ARGS=\"--accept 'first, second: why'\"" in output
    commit(project, "feat: a reason that is none\n\nAccept-Differences: first, second")
    output = stopped(project)
    assert "- shown differs, and nobody accepted that" in output
    assert "- 'first, second' names models and no reason: 'first, second: why'" in output


def test_a_name_that_is_no_model_is_refused_before_anything_is_built(project):
    set_edition(project, 2)
    (project / "models/staging/counted.sql").unlink()
    (project / "models/staging/fresh.sql").write_text("select 1 as one\n", encoding="utf-8")
    commit(project, "feat: one is gone, one is new")
    output = make_release(project, "--accept", "frist, counted, fresh: edition 2 is out", code=2).output
    assert "--accept names frist, which is not a model of the code or of prod. Did you mean first?" in output
    assert "Type: make release ARGS=\"--accept 'counted, first, fresh: edition 2 is out'\"" in output
    assert "1/6" not in output
    assert in_folder(project, "stopped") == []
    assert not (project / "warehouse/prod/candidate").exists()


# A candidate that its crosscheck stopped


def test_a_stopped_candidate_is_published_as_it_was_compared(project):
    set_edition(project, 2, "feat: edition 2\n\nAccept-Differences: second, shown: edition 2 is out")
    (project / "models/staging/counted.sql").unlink()
    commit(project, "feat: no count")
    output = stopped(project)
    assert (
        "make release ARGS=\"--accept 'counted, first: why' --candidate 2\", which publishes this candidate" in output
    )
    place = project / "warehouse/prod/stopped" / f"0002-{TODAY}"
    with duckdb.connect(str(place / "prod.duckdb"), read_only=True) as candidate:
        (compared,) = candidate.execute("select max(run_started_at) from main.dataops_builds").fetchone()

    def refused(*options: str, code: int = 2) -> str:
        text = make_release(project, *options, code=code).output
        assert (current(project), in_folder(project, "stopped")) == (f"0001-{TODAY}", [f"0002-{TODAY}"])
        assert "2/6" not in text
        return text

    accept = ("--accept", "counted, first: nobody counts", "--candidate", "2")
    assert "No stopped candidate is called '7'. Kept are: 0002-" in refused("--candidate", "7")
    assert "is a version of prod. Type" in " ".join(refused("--candidate", "1").split())
    assert "Did you mean first?" in refused("--accept", "frist: why", "--candidate", "2")
    assert "--candidate publishes what was built" in refused(*accept, "--full-refresh")
    assert "- counted differs, and nobody accepted that" in refused(*accept[2:], code=1)
    (project / "notes.txt").write_text("mine")
    assert "files differ from that now: notes.txt" in refused(*accept)
    (project / "notes.txt").unlink()
    commit(project, "docs: another commit")
    text = refused(*accept)
    assert "was built from commit " in text
    assert "Build it again: make release ARGS=\"--accept 'counted, first: nobody counts'\"" in text
    succeed("git", "reset", "--quiet", "--hard", "HEAD~1", cwd=project)
    (place / "prod.duckdb").touch()
    assert "was changed after it was compared" in refused(*accept)
    told = facts(project, "stopped", f"0002-{TODAY}")
    os.utime(place / "prod.duckdb", ns=(told["modified_ns"], told["modified_ns"]))

    # Killed, and interrupted: it is a stopped candidate as before.
    for signal_ in (signal.SIGKILL, signal.SIGINT):
        process = start(".venv/bin/dataops", "release", *accept, cwd=project)
        wait_for(process, "2/3 docs")
        os.killpg(process.pid, signal_)
        assert "Traceback" not in process.stdout.read()
        process.wait()
        assert edition(project) == 1
    done = make_release(project, *accept, USER="grace")
    assert "0002-" in done.output and "2/6" not in done.output
    assert (edition(project), current(project)) == (2, f"0002-{TODAY}")
    with duckdb.connect(str(project / PROD), read_only=True) as prod:
        assert prod.execute("select max(run_started_at) from main.dataops_builds").fetchone() == (compared,)
        assert not prod.execute("select * from duckdb_tables() where table_name = 'counted'").fetchall()
    event = history(project)[-1]
    assert event["reason"] == "counted, first: nobody counts; second, shown: edition 2 is out"
    assert event["by"] == "grace"
    told = facts(project, "releases", current(project))
    assert (told["outcome"], told["reasons"], told["dropped"]) == ("published", [], ["staging.counted"])
    assert "stopped_by" not in told
    assert (project / "warehouse/prod/current/docs.html").exists()
    assert in_folder(project, "stopped") == []
    succeed("make", "rollback", cwd=project)
    assert edition(project) == 1


SOURCE = """version: 2

sources:
  - name: files
    config: {meta: {external_location: "data/{name}.csv"}}
    tables: [{name: numbers}]
  - name: elsewhere
    database: ':memory:'
    schema: main
    tables: [{name: events}]
"""


def test_a_candidate_whose_inputs_have_changed_is_not_published(project):
    (project / "data").mkdir()
    (project / "data/numbers.csv").write_text("number\n7\n")
    (project / "models/staging/sources.yml").write_text(SOURCE)
    read = "{{ config(materialized='table') }}\n\nselect number from {{ source('files', 'numbers') }}\n"
    (project / "models/staging/first.sql").write_text(read)
    commit(project, "feat: numbers from a file")
    stopped(project)
    told = facts(project, "stopped", f"0002-{TODAY}")["inputs"]
    assert [Path(path).name for path in told["files"]] == ["numbers.csv"]
    (project / ".git/info/exclude").write_text("data\n")
    succeed("git", "rm", "-r", "--cached", "--quiet", "data", cwd=project)
    commit(project, "chore: data is not code")
    set_edition(project, 2)
    stopped(project)
    number = facts(project, "stopped", in_folder(project, "stopped")[-1])["id"][:4].lstrip("0")
    (project / "data/numbers.csv").write_text("number\n8\n")
    output = make_release(project, "--accept", "why", "--candidate", number, code=2).output
    assert "was built from files that have changed since: " in output
    assert "data/numbers.csv" in output
    assert edition(project) == 1


def test_what_stopped_for_a_failed_test_cannot_be_accepted(project):
    set_edition(project, "1\n1")
    assert "--candidate" not in stopped(project)
    output = make_release(project, *ACCEPT, "--candidate", "2", code=2).output
    assert f"0002-{TODAY} was not stopped by differences alone: test unique_first_number: 1 rows" in output
    assert "Build it again: make release ARGS=\"--accept 'a new edition'\"" in output


# Contracts

CONTRACT = """version: 2

models:
  - name: second
    description: The number. One row.
    access: public
    config: {contract: {enforced: true}}
    columns:
      - {name: number, data_type: integer, description: The number., constraints: [{type: not_null}]}
      - {name: filling, data_type: varchar, description: Long.}
"""


def test_a_broken_contract_stops_a_release_until_it_is_accepted_or_has_a_version(project):
    yaml = project / "models/staging/second.yml"
    yaml.write_text(CONTRACT)
    commit(project, "feat: a contract")
    make_release(project, *ACCEPT)

    # The rows are the same: the contract alone is broken.
    yaml.write_text(CONTRACT.replace(", constraints: [{type: not_null}]", ""))
    commit(project, "feat: no constraint")
    output = stopped(project)
    broken = "breaks its contract (enforced column level constraints were removed: not_null on column number)"
    assert f"- second {broken}, and nobody accepted that" in output
    assert "A new version of a model breaks no contract: docs/releasing.md." in output
    assert re.search(r"│ second +│ different +│ +1 │ +1 │ breaks its contract: ", output)
    assert output.count("breaks its contract (") == 1
    assert "WARNING" not in output
    make_release(project, "--accept", "second, counted: nobody relied on it", "--candidate", "3")
    assert current(project) == f"0003-{TODAY}"

    # A new version beside the first one, which keeps its relation: nothing is broken.
    versions = "    latest_version: 1\n    versions:\n      - {v: 1, config: {alias: second}}\n      - {v: 2, columns: [{include: [number]}]}\n"
    kept = yaml.read_text() + versions
    yaml.write_text(kept)
    (project / "models/staging/second.sql").rename(project / "models/staging/second_v1.sql")
    number = "{{ config(materialized='table') }}\n\nselect number from {{ ref('first') }}\n"
    (project / "models/staging/second_v2.sql").write_text(number)
    commit(project, "feat: a second version")
    make_release(project, "--accept", "counted: it counts")
    verdicts = facts(project, "releases", current(project))["crosscheck"]["verdicts"]
    assert (verdicts["second.v1"], verdicts["second.v2"], verdicts.get("second")) == ("same", "new", None)

    # A version is not changed in place either.
    yaml.write_text(kept.replace("config: {contract: {enforced: true}}", "config: {contract: {enforced: false}}"))
    commit(project, "feat: no contract")
    output = stopped(project)
    assert "- second.v1 breaks its contract (contract enforcement was removed), and nobody accepted that" in output


def test_what_a_reverted_commit_accepts_counts_no_more(project):
    set_edition(project, 2, "feat: edition 2\n\nAccept-Differences: edition 2 is out")
    succeed("git", "revert", "--no-edit", "HEAD", cwd=project)
    reverting = head(project)
    succeed("git", "commit", "--allow-empty", "--allow-empty-message", "--no-verify", "-m", "", cwd=project)
    set_edition(project, 3)
    assert "- first differs, and nobody accepted that" in stopped(project)
    set_edition(project, 2, f"feat: edition 2 again\n\nThis reverts commit {reverting}.")
    make_release(project)


@pytest.mark.parametrize("reason", [" ", "--dry-run"])
def test_a_reason_that_is_none_accepts_nothing(project, reason):
    set_edition(project, 2)
    assert "--accept needs a reason" in make_release(project, "--accept", reason, code=2).output
    assert "--reason needs a reason" in dataops(project, "rollback", "--reason", reason, code=2).output
    assert edition(project) == 1
    done = make_release(project, *ACCEPT, code=2, RELEASES_KEPT="0")
    assert "'0' is no number of versions. RELEASES_KEPT (.env) and --keep take 1 or more." in done.output


def test_a_candidate_that_misses_something_is_stopped(project):
    output = stopped(project, *ACCEPT, DBT_EMPTY="true")
    assert "- the build of first ended with 'empty'" in output
    settings = project / "dbt_project.yml"
    text = settings.read_text(encoding="utf-8")
    # Whatever drops it: a hook of a package, a person.
    settings.write_text(text.replace('on-run-end: "', 'on-run-end:\n  - "drop table staging.second"\n  - "'))
    commit(project, "feat: a hook that drops a table")
    assert "- second is missing" in stopped(project, *ACCEPT)


def test_two_stopped_candidates_are_kept(project):
    set_edition(project, 2)
    for _ in range(3):
        make_release(project, code=1)
    assert in_folder(project, "stopped") == [f"0003-{TODAY}", f"0004-{TODAY}"]


# Versions


def test_rolling_back_and_forth(project):
    set_edition(project, 2)
    make_release(project, *ACCEPT)
    first, second = f"0001-{TODAY}", f"0002-{TODAY}"
    assert f"{first} (" in dataops(project, "rollback", "--dry-run").output
    assert edition(project) == 2
    done = succeed("make", "rollback", "ARGS=--reason 'wrong prices'", cwd=project)
    assert f"prod is {first} (" in done.output
    assert "To take the rollback back: make rollback TO=2" in done.output
    assert edition(project) == 1
    assert history(project)[-1] | {"at": 0, "by": 0} == {
        "action": "rollback",
        "id": first,
        "from": second,
        "at": 0,
        "by": 0,
        "reason": "wrong prices",
    }
    assert "No version before" in dataops(project, "rollback", code=2).output
    succeed("make", "rollback", "TO=2", cwd=project)
    assert edition(project) == 2
    assert "is prod already" in dataops(project, "rollback", "--to", second, code=2).output
    assert f"there is: {second}, {first}" in dataops(project, "rollback", "--to", "7", code=2).output


def test_back_is_to_what_prod_was_made_from(project):
    """A version that was rolled back from is neither gone back to, nor kept in place of the one that was good."""
    set_edition(project, 2)
    make_release(project, *ACCEPT)
    dataops(project, "rollback")
    set_edition(project, 3)
    make_release(project, *ACCEPT, "--keep", "2")
    assert in_folder(project, "releases") == [f"0001-{TODAY}", f"0003-{TODAY}"]
    dataops(project, "rollback")
    assert edition(project) == 1


def test_a_commit_that_was_rolled_back_from_does_not_come_back_by_itself(project):
    set_edition(project, 2, "feat: edition 2\n\nAccept-Differences: edition 2 is out")
    make_release(project)
    assert "revert the change, or it comes back" in dataops(project, "rollback").output
    refused = make_release(project, code=2).output
    assert f"0002-{TODAY} is the same commit, and was rolled back from" in refused
    assert edition(project) == 1
    make_release(project, "--accept", "the source is right now")
    assert edition(project) == 2
    set_edition(project, 3)
    make_release(project, *ACCEPT)
    for _ in range(2):
        dataops(project, "rollback")
    assert edition(project) == 1
    assert f"0004-{TODAY} is the same commit, and was rolled back from" in make_release(project, code=2).output


def test_prod_that_lost_its_data_is_named(project):
    set_edition(project, 2)
    make_release(project, *ACCEPT)
    file = (project / PROD).resolve()
    whole = file.read_bytes()
    file.chmod(0o644)
    set_edition(project, 3)
    for problem in ("damaged", "missing"):
        if problem == "missing":
            file.unlink()
        else:
            file.write_bytes(whole[: len(whole) // 2])
        compared = dataops(project, "crosscheck", code=2)
        tested = run(".venv/bin/dataops", "dbt", "test", "--target", "prod", cwd=project)
        for done in (make_release(project, *ACCEPT, code=2), compared, tested):
            assert f"0002-{TODAY} is prod, and its data is {problem}." in done.output
            assert "Go back to a version that is whole: make rollback TO=1" in done.output
            assert "Type: make release" not in done.output
        assert in_folder(project, "stopped") == [], "what was refused leaves nothing"
        opened = run(".venv/bin/python", "-c", "from dataops import release; release.open(2)", cwd=project)
        assert f"0002-{TODAY} cannot be read: its data is {problem}." in opened.output
        assert "was made with DuckDB" not in opened.output
        assert re.search(rf"0002-{TODAY} +prod .* its data is {problem}", dataops(project, "releases").output)
    rolled_back = dataops(project, "rollback", "--to", "1").output
    assert "To take the rollback back" not in rolled_back, "there is nothing to go back to"
    assert edition(project) == 1
    succeed("git", "reset", "--quiet", "--hard", "HEAD~1", cwd=project)
    again = make_release(project, code=1).output  # of the same commit: its data was lost, nobody turned it down
    assert "differs, and nobody accepted that" in again, again
    assert (
        f"0002-{TODAY} cannot be prod: its data is missing." in dataops(project, "rollback", "--to", "2", code=2).output
    )


def test_what_dbt_never_built_is_named(project):
    file = (project / PROD).resolve()
    file.chmod(0o644)
    with duckdb.connect(str(file)) as prod:
        prod.execute("create table main.by_hand as select 1 as one")
        prod.execute("checkpoint")
    told = file.parent / "release.json"
    told.write_text(json.dumps(json.loads(told.read_text()) | {"size": file.stat().st_size}))
    make_release(project, *ACCEPT)
    assert facts(project, "releases", current(project))["not_built_by_dbt"] == ["main.by_hand"]


def test_versions_are_listed_opened_and_found_by_time(project):
    between = datetime.now(UTC)
    events = project / "warehouse/prod/history.jsonl"
    earlier = [event | {"at": str(between - timedelta(hours=1))} for event in history(project)]
    events.write_text("".join(json.dumps(event) + "\n" for event in earlier))
    set_edition(project, 2)
    make_release(project, *ACCEPT)
    set_edition(project, 5, "feat: edition 5")
    make_release(project, code=1)
    set_edition(project, "3\n3", "feat: edition 3")
    make_release(project, code=1)
    listed = succeed("make", "releases", cwd=project).output
    assert re.search(rf"0004-{TODAY} +stopped .*feat: edition 3 +test unique_first_number: 1 rows", listed), listed
    assert re.search(rf"0003-{TODAY} +stopped .*feat: edition 5 +0003 against 0002, ", listed), listed
    assert " different; " in " ".join(listed.split()), listed
    assert re.search(rf"0002-{TODAY} +prod .*feat: edition 2 +2 tests passed; a new edition", listed), listed
    assert re.search(rf"0001-{TODAY} .*feat: start the … +2 tests passed; the first version", listed), listed
    assert f"0003-{TODAY} was stopped, so it never was" in dataops(project, "rollback", "--to", "3", code=2).output
    told = dataops(project, "releases", "--history").output
    assert told.index(f"0002-{TODAY}") < told.index("a new edition")
    assert f"0001-{TODAY}: warehouse" in dataops(project, "releases", "--as-of", f"{between:%Y-%m-%d %H:%M:%S}").output
    assert "Nothing was released yet at" in dataops(project, "releases", "--as-of", "2020-01-01", code=2).output
    code = (
        "from datetime import datetime\nfrom ops import release\nfrom tests.small_project import edition_in\n"
        f"then = datetime.fromisoformat({str(between)!r})\n"
        "print([edition_in(release.open(1)), edition_in(release.open('2')), edition_in(release.as_of(then))])"
    )
    done = succeed(
        sys.executable, "-c", code, cwd=project, environment=clean_environment(PYTHONPATH=f"{project}:{REPOSITORY}")
    )
    assert done.output.splitlines()[-1] == "[1, 2, 1]"
    older = project / "warehouse/prod/releases" / f"0001-{TODAY}" / "prod.duckdb"
    with duckdb.connect() as connection:  # as docs/releasing.md says
        connection.execute(f"attach '{older}' as prod (read_only)")
        assert connection.execute("select number from prod.staging.shown").fetchone() == (1,)


def test_nothing_released_yet_is_said(nothing_released):
    assert (
        "Nothing was released yet: warehouse/prod holds no version. Type: make release"
        in dataops(nothing_released, "releases").output
    )
    for module in ("release.rollback", "release.listing"):
        options = ("--as-of", "2026-01-01") if module.endswith("listing") else ()
        told = dataops(nothing_released, module, *options, code=2).output
        assert "Nothing was released yet" in told
        assert "make release\n" not in told, "a release is no rollback"
    assert "so there is no version '7'" in dataops(nothing_released, "rollback", "--to", "7", code=2).output
    done = run("make", "test", "TARGET=prod", cwd=nothing_released)
    assert done.code != 0
    assert f"Nothing was released yet: {PROD} is missing. Type: make release" in done.output


def test_prod_is_written_by_a_release_alone(project):
    before = checksum(project / PROD)
    for command in ("build", "run", "seed", "snapshot"):
        done = run(".venv/bin/dataops", "dbt", command, "--target", "prod", cwd=project)
        assert done.code != 0
        assert "prod is written by releases only. Type: make release" in done.output
    by_hand = run(".venv/bin/dbt", "build", "--target", "prod", cwd=project)
    assert by_hand.code != 0
    assert 'on database "prod" which is attached in read-only mode' in by_hand.output
    assert checksum(project / PROD) == before
    succeed("make", "test", "TARGET=prod", cwd=project)
    shown = succeed(".venv/bin/dbt", "--quiet", "show", "--target", "prod", "--select", "shown", cwd=project)
    assert "1" in shown.output
    # Two who only read do not wait for each other.
    with duckdb.connect(str(project / PROD), read_only=True):
        succeed("make", "test", "TARGET=prod", cwd=project)


# One at a time


def wait_for(process: subprocess.Popen, text: str) -> None:
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"{text!r} was never printed")


def test_a_second_release_and_a_rollback_are_told_who_holds_the_lock(project):
    set_edition(project, 2)
    make_release(project, *ACCEPT)
    first = start(".venv/bin/dataops", "release", *ACCEPT, cwd=project)
    wait_for(first, "2/6 build and test")
    others = [start(".venv/bin/dataops", name, cwd=project) for name in ("release", "rollback")]
    for other in others:
        refused = other.stdout.read()
        assert other.wait() == 2, refused
        assert re.search(r"holds the lock of prod since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: make release", refused)
        assert f"(process {first.pid} on " in refused
    succeed("make", "build", cwd=project)  # dev is nobody's business
    first.stdout.read()
    assert first.wait() == 0
    assert current(project) == f"0003-{TODAY}"


def test_the_lock_of_a_process_that_is_gone_is_taken_over(project):
    set_edition(project, 2)
    killed = start(".venv/bin/dataops", "release", *ACCEPT, cwd=project)
    wait_for(killed, "3/6 audit")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert edition(project) == 1
    done = make_release(project, *ACCEPT)
    assert f"A release did not finish. What it made so far is warehouse/prod/stopped/0002-{TODAY}" in done.output
    assert (edition(project), current(project)) == (2, f"0003-{TODAY}")
    assert facts(project, "stopped", f"0002-{TODAY}")["reasons"] == ["it was killed"]


def test_ctrl_c_leaves_prod_whole(project):
    set_edition(project, 2)
    process = start(".venv/bin/dataops", "release", *ACCEPT, cwd=project)
    wait_for(process, "START sql table model staging.first")
    os.killpg(process.pid, signal.SIGINT)
    output = process.stdout.read()
    assert process.wait() == 130
    assert "Stopped: prod is whole. Nothing to clean up." in output
    assert "Traceback" not in output
    assert edition(project) == 1
    assert in_folder(project, "stopped") == [f"0002-{TODAY}"]


INTERRUPTED = {
    "the parser of dbt": "dbt.parser.manifest.ManifestLoader.load",
    "dbt's build": "dbt.task.build.BuildTask.before_run",
    "the crosscheck": "dataops.crosscheck.results._compare_model",
    "the docs": "dbt.task.docs.generate.GenerateTask.run",
    "reading all rows": "dataops.release.duckdb_file.read_everything",
}


@pytest.mark.parametrize("where", INTERRUPTED)
def test_ctrl_c_prints_no_traceback(project, where):
    """Ctrl-C comes in the middle of something; in a query DuckDB makes an error of its own of it."""
    place = INTERRUPTED[where]
    module, _, name = place.rpartition(".")
    raised = "RuntimeError('Query interrupted')" if where == "reading all rows" else "KeyboardInterrupt"
    set_edition(project, 2)
    code = f"""
import importlib, pkgutil
from dataops.release.command import main, run

def interrupted(*arguments, **options):
    raise {raised}

setattr(pkgutil.resolve_name({module!r}), {name!r}, interrupted)
run(main, "release")
"""
    done = run(".venv/bin/python", "-c", code, *ACCEPT, cwd=project)
    assert done.code == 130, done
    assert "Stopped: prod is whole." in done.output
    assert "Traceback" not in done.output
    assert edition(project) == 1
    assert in_folder(project, "stopped") == ([] if where == "the parser of dbt" else [f"0002-{TODAY}"])


def test_an_entry_without_data_says_why(project):
    (project / "models/staging/first.sql").write_text("{{ this is not Jinja }}\n")
    commit(project, "feat: broken")
    output = make_release(project, code=1).output
    assert re.search(r"^- dbt cannot parse the project: .*Jinja", output, re.MULTILINE), output
    assert in_folder(project, "stopped") == [f"0002-{TODAY}"]
    assert "dbt cannot parse the project" in dataops(project, "releases").output
    done = run(".venv/bin/python", "-c", "from dataops import release; release.open(2)", cwd=project)
    assert f"0002-{TODAY} holds no data: its release was stopped before any was made: dbt cannot parse" in done.output
    assert "was made with DuckDB" not in done.output


# What can be in the way


def test_without_git_nothing_is_released(nothing_released):
    shutil.rmtree(nothing_released / ".git")
    done = make_release(nothing_released, code=2)
    assert "The project is in no git repository" in done.output
    succeed("git", "init", "--quiet", cwd=nothing_released)
    assert "Nothing was committed yet" in make_release(nothing_released, code=2).output
    assert not (nothing_released / "warehouse/prod/releases").exists()


def test_uncommitted_changes_are_released_only_when_told_and_recorded(project):
    (project / "models/staging/more.sql").write_text("select 1 as one\n")
    done = make_release(project, code=2)
    assert "1 file differs from the last commit" in done.output
    assert "models/staging/more.sql" in done.output
    make_release(project, "--allow-uncommitted", *ACCEPT)
    assert facts(project, "releases", current(project))["uncommitted"] == ["models/staging/more.sql"]
    assert re.search(r"[0-9a-f]{7}\+ feat", dataops(project, "releases").output)


def test_a_program_that_writes_to_prod_is_named(project):
    (project / PROD).resolve().chmod(0o644)
    code = "from dataops.release import duckdb_file\nfrom dataops import warehouse\nduckdb_file.wait_until_readable = lambda file: warehouse.wait_until_readable(file, 0.5)\nfrom dataops.release.command import main, run\nrun(main, 'release')"
    with holding(project / PROD, seconds=60) as holder:
        done = run(".venv/bin/python", "-c", code, cwd=project)
    assert done.code == 2, done
    assert f"(process {holder}) has" in done.output
    assert edition(project) == 1


def test_a_file_of_a_newer_duckdb_is_named(project):
    file = (project / PROD).resolve()
    file.chmod(0o644)
    with file.open("r+b") as data:  # the version of the format follows checksum and magic bytes (DuckDB's MainHeader)
        data.seek(12)
        data.write((999).to_bytes(8, "little"))
    before = checksum(file)
    told = file.parent / "release.json"
    told.write_text(json.dumps(json.loads(told.read_text()) | {"tools": {"duckdb": "9.9.9"}}))
    set_edition(project, 2)
    done = make_release(project, code=2)
    assert f"0001-{TODAY} was made with DuckDB 9.9.9; installed is {duckdb.__version__}." in done.output
    assert checksum(file) == before


def test_a_vanished_or_dangling_link_is_not_taken_for_a_first_release(project):
    link = project / "warehouse/prod/current"
    link.unlink()
    for place in (None, "releases/0009-2026-01-01"):
        if place:
            link.unlink(missing_ok=True)
            link.symlink_to(place)
        for module in ("release", "release.rollback"):
            done = dataops(project, module, code=2)
            assert "so nothing says which version is prod" in done.output
            assert f"Type: make rollback TO=0001-{TODAY}" in done.output
        compared = dataops(project, "crosscheck", code=2).output
        assert "so nothing says which version is prod" in compared
        assert f"Type: make rollback TO=0001-{TODAY}" in compared
        tested = run(".venv/bin/dataops", "dbt", "test", "--target", "prod", cwd=project)
        assert f"Type: make rollback TO=0001-{TODAY}" in tested.output
        assert "Traceback" not in tested.output
        listed = dataops(project, "releases", code=2).output
        assert f" 0001-{TODAY} " in listed
        assert "so nothing says which version is prod" in listed
    succeed("make", "rollback", f"TO=0001-{TODAY}", cwd=project)
    assert edition(project) == 1
    shutil.rmtree(project / "warehouse/prod/releases")
    assert "no version is kept" in make_release(project, code=2).output


def test_numbers_count_up_whatever_the_clock_says(project):
    """What is left by a clock that was ahead by years, and was set back since."""
    folder = project / "warehouse/prod"
    (folder / "releases" / f"0001-{TODAY}").rename(folder / "releases/0041-2031-01-01")
    (folder / "current").unlink()
    (folder / "current").symlink_to("releases/0041-2031-01-01")
    event = {"action": "release", "id": "0041-2031-01-01", "from": None, "at": "2031-01-01T00:00:00+00:00", "by": "x"}
    (folder / "history.jsonl").write_text(json.dumps(event) + "\n")
    set_edition(project, 2)
    make_release(project, *ACCEPT)
    assert current(project) == f"0042-{TODAY}"
    succeed("make", "rollback", cwd=project)
    assert current(project) == "0041-2031-01-01"


def test_a_long_history_says_that_it_is_the_end_of_it(project):
    assert "The last" not in dataops(project, "releases", "--history").output
    file = project / "warehouse/prod/history.jsonl"
    file.write_text(file.read_text() * 12)
    told = dataops(project, "releases", "--history").output
    assert told.count(f"0001-{TODAY}") == 10
    assert "The last 10 of 12: warehouse/prod/history.jsonl" in told


def test_a_torn_line_of_the_history_is_passed_over(project):
    file = project / "warehouse/prod/history.jsonl"
    file.write_text(file.read_text() + '{"action": "rel')
    set_edition(project, 2)
    make_release(project, *ACCEPT)
    code = "from dataops.release import store; print([event['id'] for event in store.history()])"
    done = succeed(".venv/bin/python", "-c", code, cwd=project)
    assert done.output.strip() == str([f"0001-{TODAY}", f"0002-{TODAY}"])


DAMAGE = {
    "the file": ("prod.duckdb", "prod.duckdb cannot be opened"),
    "rows": ("prod.duckdb", '"staging"."many" of warehouse/prod/candidate/prod.duckdb cannot be read'),
    "manifest": ("manifest.json", "manifest.json of the candidate is damaged"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_candidate_that_is_damaged_late_is_not_published(project, what):
    """Damaged after everything was built, tested and compared, as a faulty disk would."""
    name, message = DAMAGE[what]
    many = "{{ config(materialized='table') }} select hash(numbers.i) as number from range(100000) as numbers(i)\n"
    (project / "models/staging/many.sql").write_text(many, encoding="utf-8")
    set_edition(project, 2)
    code = f"""
import duckdb
from dataops.release import pipeline
from dataops.release.command import main, run

step = pipeline.Release._docs

def damaged(self, place):
    said = step(self, place)
    pipeline.close_warehouse()
    file = place / {name!r}
    if {what!r} == "rows":
        with duckdb.connect(str(file)) as warehouse:
            warehouse.execute("checkpoint")
            stored = "select max(block_id) from pragma_storage_info('staging.many') where persistent"
            (block,) = warehouse.execute(stored).fetchone()
    data = bytearray(file.read_bytes())
    if {what!r} == "rows":
        data[12288 + block * 262144 + 1000] ^= 255  # DuckDB: three headers, then blocks of 256 KiB
    elif {what!r} == "the file":
        for start in range(12288, len(data), 4096):
            data[start + 100] ^= 255
    else:
        data = data[: len(data) // 2]
    file.write_bytes(data)
    return said

pipeline.Release._docs = damaged
run(main, "release")
"""
    done = run(".venv/bin/python", "-c", code, "--accept", "why", cwd=project)
    assert done.code == 2, done
    assert message in done.output
    assert "Traceback" not in done.output
    assert edition(project) == 1
    (reason,) = facts(project, "stopped", f"0002-{TODAY}")["reasons"]
    assert message in reason, "make releases shows why"
    make_release(project, *ACCEPT)
    assert edition(project) == 2


def can_mount() -> bool:
    command = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(command, check=False, capture_output=True).returncode == 0


needs_mount = pytest.mark.skipif(not can_mount(), reason="needs `unshare --mount` (Linux, as root) for a full disk")


@needs_mount
def test_too_little_room_is_said_ahead_with_the_figures(project, tmp_path):
    set_edition(project, 2)
    prod = project / "warehouse/prod"
    script = (
        f'cp -a "{prod}" "{tmp_path}/whole" && mount -t tmpfs -o size=40m tmpfs "{prod}" && cp -a "{tmp_path}/whole/." "{prod}"'
        ' && .venv/bin/dataops release --accept x; echo "code $?"; cat warehouse/prod/current/release.json'
    )
    done = succeed("unshare", "--mount", "sh", "-c", script, cwd=project)
    assert "code 2" in done.output, done
    assert re.search(r"has \d+\.\d MB free, and a release needs \d+\.\d MB: .* for the copy, .* to build", done.output)
    assert "RELEASES_KEPT" in done.output
    assert "Traceback" not in done.output


@needs_mount
def test_a_folder_that_cannot_be_written_is_named(project):
    prod = project / "warehouse/prod"
    script = f'mount --bind "{prod}" "{prod}" && mount -o remount,ro,bind "{prod}" && .venv/bin/dataops release'
    done = run("unshare", "--mount", "sh", "-c", script, cwd=project)
    assert done.code == 2, done
    assert "warehouse/prod cannot be written: Read-only file system." in done.output
    assert "Traceback" not in done.output


def test_help_tells_the_exit_codes(project):
    for module in ("release", "release.rollback", "release.listing"):
        assert "Usage:" in dataops(project, module, "--help").output
    told = " ".join(dataops(project, "release", "--help").output.split())
    assert "0 released; 1 something failed or differs; 2 it could not be done" in told
