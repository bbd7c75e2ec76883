"""Releases, rollbacks and what ends them, as a user runs them, on a small project with real builds. The rules are tested in
tests/unit/release/."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import duckdb
import pytest

from dataops import release
from tests.helpers import REPOSITORY, clean_environment, copy_project, run, start, succeed
from tests.small_project import (
    commit,
    current,
    dataops,
    edition,
    edition_in,
    facts,
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
    yaml = project / "models/staging/small.yml"
    warns = "not_null, accepted_values: {arguments: {values: [7]}, config: {severity: warn}}]"
    yaml.write_text(yaml.read_text().replace("not_null]", warns))
    set_edition(project, 2)
    (project / "models/staging/more.sql").write_text("select 1 as one\n")
    (project / "notes.txt").write_text("mine\n")
    refused = make_release(project, *ACCEPT, code=2).output
    assert "1 file differs from the last commit" in refused
    options = (*ACCEPT, "--allow-uncommitted")

    dry = make_release(project, *options, "--dry-run")
    assert "Not in git, and not part of the release: notes.txt" in dry.output
    assert "Nothing was released: this was a dry run" in dry.output
    assert edition(project) == 1
    opened(project, dry.output)

    (project / "logs/dbt.log").unlink()
    done = make_release(project, *options)
    log = (project / "logs/dbt.log").read_text(encoding="utf-8")
    loads = re.findall("Unable to do partial parsing|Partial parsing enabled: 0 files deleted, 0 files", log)
    assert len(loads) == 2, "the build starts from what was parsed"
    assert log.count("no changes found, skipping parsing") >= 1, "the docs start from dbt's cache"
    assert "0002 against 0001" in done.output
    assert "(accepted: a new" in done.output
    assert edition(project) == 2
    assert rows_counted(project) == 2, "the incremental model goes on from prod's rows"
    assert edition_in(before) == 1, "who has prod open keeps the version that was opened"
    before.close()
    told = facts(project, "releases", current(project))
    assert (told["accepted"], told["uncommitted"]) == ("a new edition", ["models/staging/more.sql"])
    assert (told["crosscheck"]["verdict"], told["results"]["warned"]) == ("different", 1)
    folder = project / "warehouse/prod/current/crosscheck"
    assert {path.name for path in folder.iterdir()} == {"report.html", "summary.md", "result.json"}
    events = [(event["action"], event["id"], event["from"], event.get("reason")) for event in history(project)]
    assert events == [
        ("release", f"0001-{TODAY}", None, None),
        ("release", f"0002-{TODAY}", f"0001-{TODAY}", "a new edition"),
    ]
    assert not (project / "warehouse/prod/candidate").exists()
    assert re.search(r"[0-9a-f]{7}\+ feat", succeed("make", "releases", cwd=project).output)

    succeed("make", "rollback", "TO=1", "ARGS=--reason 'wrong prices'", cwd=project)
    assert (edition(project), history(project)[-1]["reason"]) == (1, "wrong prices")
    older = project / "warehouse/prod/releases" / f"0002-{TODAY}" / "prod.duckdb"
    with duckdb.connect() as connection:  # as docs/releasing.md says
        connection.execute(f"attach '{older}' as prod (read_only)")
        assert connection.execute("select number from prod.staging.shown").fetchone() == (2,)


def add_second_version(project: Path) -> None:
    """A second version with the same data, without building it."""
    prod = project / "warehouse/prod"
    first, second = (prod / "releases" / f"{number:04d}-{TODAY}" for number in (1, 2))
    shutil.copytree(first, second)
    changed = json.loads((second / "release.json").read_text()) | {"id": second.name, "base": first.name}
    (second / "release.json").write_text(json.dumps(changed))
    (prod / "current").unlink()
    (prod / "current").symlink_to(f"releases/{second.name}")
    event = history(project)[0] | {"id": second.name, "from": first.name}
    with (prod / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")


def test_a_rollback_works_where_dbt_is_broken(project, tmp_path):
    """The emergency brake needs no dbt, and starts at once: measured is the time of the processor, whatever else runs."""
    add_second_version(project)
    (tmp_path / "broken/dbt").mkdir(parents=True)
    (tmp_path / "broken/dbt/__init__.py").write_text("raise ImportError('dbt is broken')\n", encoding="utf-8")
    broken = clean_environment(PYTHONPATH=str(tmp_path / "broken"))
    assert "dbt is broken" in run(".venv/bin/dataops", "build", cwd=project, environment=broken).output

    for arguments, output in [
        (("releases",), f"0002-{TODAY}   prod"),
        (("releases", "--history"), f"0002-{TODAY}"),
        (("rollback", "--dry-run"), f"0001-{TODAY} ("),
        (("rollback",), f"prod is 0001-{TODAY} ("),
        (("rollback", "2"), f"prod is 0002-{TODAY} ("),
    ]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = succeed(".venv/bin/dataops", *arguments, cwd=project, environment=broken)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert output in done.output
        assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5
    succeed("make", "rollback", "TO=1", cwd=project, environment=broken)
    assert current(project) == f"0001-{TODAY}"


# The audit


def opened(project: Path, output: str) -> None:
    """Opens a candidate as the command that a release printed does."""
    name = re.search(r'To look into it: \S+ -ic "from dataops import release; prod = release.open\((.+?)\)"', output)[1]
    with (
        mock.patch.dict(os.environ, WAREHOUSE_DIR=str(project / "warehouse")),
        release.open(name.strip("'")) as prod,
    ):
        assert prod.sql("select count(*) from staging.first").fetchone()


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
    opened(project, output)
    return output


def test_a_failed_test_stops_it(project):
    set_edition(project, "1\n1")
    output = stopped(project)
    assert "- test unique_first_number: 1 rows" in output
    assert "more were skipped for it" in output
    assert "--candidate" not in output
    newest = project / "warehouse/prod/stopped" / in_folder(project, "stopped")[-1]
    assert {"manifest.json", "run_results.json"} <= {path.name for path in newest.iterdir()}


def test_a_candidate_without_rows_is_stopped(project):
    assert "- the build of first ended with 'empty'" in stopped(project, *ACCEPT, DBT_EMPTY="true")


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
    refused = make_release(project, *ACCEPT, code=2, DBT_THREADS="none").output
    assert refused == "DBT_THREADS is 'none'. It must be a number of threads, 1 or more.\n"


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
    trailer = "Accept-Differences: frist, second, shown: edition 2 is out"
    set_edition(project, 2, f"feat: edition 2\n\n{trailer}")
    (project / "models/staging/counted.sql").unlink()
    commit(project, "feat: no count")
    output = stopped(project)
    assert "0002 against 0001" in output
    assert (
        "make release ARGS=\"--accept 'counted, first: why' --candidate 2\", which publishes this candidate" in output
    )
    warned, built = "names frist, which is not a model (did you mean first?): it accepts nothing", "2/6 build and test"
    assert 0 < output.index(warned) < output.index(built)
    place = project / "warehouse/prod/stopped" / f"0002-{TODAY}"
    assert (place / "crosscheck/report.html").exists()
    with duckdb.connect(str(place / "prod.duckdb"), read_only=True) as candidate:
        (compared,) = candidate.execute("select max(run_started_at) from main.dataops_builds").fetchone()

    assert "- counted differs, and nobody accepted that" in make_release(project, "--candidate", "2", code=1).output
    accept = ("--accept", "counted, first: nobody counts", "--candidate", "2")
    (project / "notes.txt").write_text("nothing reads me\n")
    (project / "models/staging/more.sql").write_text("select 1 as one\n")
    assert "files differ from that now: models/staging/more.sql." in make_release(project, *accept, code=2).output
    (project / "models/staging/more.sql").unlink()

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
    assert event["reason"] == "counted, first: nobody counts; frist, second, shown: edition 2 is out"
    assert event["by"] == "grace"
    told = facts(project, "releases", current(project))
    assert (told["outcome"], told["reasons"], told["dropped"]) == ("published", [], ["staging.counted"])
    assert "stopped_by" not in told
    assert (project / "warehouse/prod/current/docs.html").exists()
    assert in_folder(project, "stopped") == []


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
    assert "To keep the contract, add a new version of the model: docs/releasing.md." in output
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


# Where prod is missing


def test_what_reads_prod_says_that_nothing_was_released_yet(nothing_released):
    done = run("make", "test", "TARGET=prod", cwd=nothing_released)
    assert done.code != 0
    assert "Nothing was released yet: warehouse/prod holds no version. Type: make release" in done.output


@pytest.mark.parametrize("lost", ["link", "data"])
def test_what_reads_prod_names_the_version_to_go_back_to(project, lost):
    add_second_version(project)
    (project / "warehouse/prod/current" if lost == "link" else (project / PROD).resolve()).unlink()
    expected = {
        "link": ("so nothing says which version is prod", f"Type: make rollback TO=0002-{TODAY}"),
        "data": (f"0002-{TODAY} is prod, and its data is missing.", "make rollback TO=1"),
    }[lost]
    for command in (("crosscheck",), ("dbt", "test")):
        environment = clean_environment(**({"TARGET": "prod"} if command[0] == "dbt" else {}))
        done = run(".venv/bin/dataops", *command, cwd=project, environment=environment)
        assert done.code, done
        assert all(text in done.output for text in expected), done
        assert "Traceback" not in done.output


def test_prod_is_written_by_a_release_alone(project):
    before = checksum(project / PROD)
    for command in ("build", "run", "seed", "snapshot"):
        done = run(".venv/bin/dataops", "dbt", command, cwd=project, environment=clean_environment(TARGET="prod"))
        assert done.code != 0
        assert "prod is written by releases only. Type: make release" in done.output
    by_hand = run(".venv/bin/dbt", "build", "--target", "prod", cwd=project)
    assert by_hand.code != 0
    assert "prod is written by releases only. Type: make release" in by_hand.output
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
    first = start(".venv/bin/dataops", "release", *ACCEPT, cwd=project)
    wait_for(first, "2/6 build and test")
    others = [start(".venv/bin/dataops", name, cwd=project) for name in ("release", "rollback")]
    for other in others:
        refused = other.stdout.read()
        assert other.wait() == 75, refused
        assert re.search(r"holds the lock of prod since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC: make release", refused)
        assert f"(process {first.pid} on " in refused
    succeed("make", "build", cwd=project)  # dev is nobody's business
    first.stdout.read()
    assert first.wait() == 0
    assert current(project) == f"0002-{TODAY}"


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
    assert "Stopped: prod is intact. Run the command again." in output
    assert "Traceback" not in output
    assert edition(project) == 1
    assert in_folder(project, "stopped") == [f"0002-{TODAY}"]


INTERRUPTED = {
    "the parser of dbt": "dbt.parser.manifest.ManifestLoader.load",
    "dbt's build": "dbt.task.build.BuildTask.before_run",
    "the crosscheck": "dataops.crosscheck.service._Pair.compare",
    "the docs": "dbt.task.docs.generate.GenerateTask.run",
    "reading all rows": "dataops.engines.duckdb.files.read_everything",
}


@pytest.mark.long
@pytest.mark.parametrize("where", INTERRUPTED)
def test_ctrl_c_prints_no_traceback(project, where):
    set_edition(project, 2)
    command = (".venv/bin/python", "-P", REPOSITORY / "tests/interrupted.py", INTERRUPTED[where], "release", *ACCEPT)
    done = run(*command, cwd=project)
    assert done.code == 130, done
    assert "Stopped: prod is intact." in done.output
    assert "Traceback" not in done.output
    assert edition(project) == 1
    assert in_folder(project, "stopped") == ([] if where == "the parser of dbt" else [f"0002-{TODAY}"])


# What can be in the way


def can_mount() -> bool:
    command = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(command, check=False, capture_output=True).returncode == 0


needs_mount = pytest.mark.skipif(not can_mount(), reason="needs `unshare --mount` (Linux, as root) for a full disk")


@needs_mount
def test_a_folder_that_cannot_be_written_is_named(project):
    prod = project / "warehouse/prod"
    script = f'mount --bind "{prod}" "{prod}" && mount -o remount,ro,bind "{prod}" && .venv/bin/dataops release'
    done = run("unshare", "--mount", "sh", "-c", script, cwd=project)
    assert done.code == 2, done
    assert "warehouse/prod cannot be written: Read-only file system." in done.output
    assert "Traceback" not in done.output
