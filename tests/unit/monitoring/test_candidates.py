"""What failed in a candidate that did not become prod is kept apart from what failed in prod: in alerts, report and statistics.

On small tables with Elementary's names and columns, without Elementary; with it, tests/journeys/test_monitoring.py goes the same way.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml
from dbt.exceptions import DbtProfileError
from dbt_common.exceptions import DbtBaseException

from dataops import dbt as run_dbt
from dataops.engines.duckdb.files import DuckDBSession
from dataops.lint import governance
from dataops.monitoring import candidates, report, stats
from dataops.versions import DRY_RUN, KEPT_STOPPED, Versions
from tests.helpers import TEMPLATE, project_at

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def versions(tmp_path) -> Versions:
    """The versions of prod, where 0001 is prod."""
    return start(Versions(project_at(tmp_path)))


def start(versions: Versions) -> Versions:
    versions.folder.mkdir(parents=True)
    publish(versions, make(versions, "0001-2026-11-23", "published"))
    return versions


def make(versions: Versions, id: str, outcome: str, *reasons: str, **facts) -> Path:
    """A candidate as a release leaves it, built by the dbt run `run of <number>`."""
    place = versions.candidate
    place.mkdir()
    summary = {"id": id, "outcome": outcome, "reasons": reasons, "made_at": NOW.isoformat(), "base": "0001-2026-11-23"}
    summary |= {"commit": "2cd25511", "subject": "feat: a city", "made_by": "ada"}
    (place / "release.json").write_text(json.dumps(summary | facts))
    (place / "run_results.json").write_text(json.dumps({"metadata": {"invocation_id": f"run of {id[:4]}"}}))
    return place


def publish(versions: Versions, place: Path, id: str | None = None) -> None:
    version = versions.admit(place, id or versions.version(place).facts["id"])
    versions.publish(version)
    versions.record("release", version, None, "ada")


def stop(versions: Versions, id: str, outcome: str, *reasons: str, **facts) -> None:
    versions.set_aside(make(versions, id, outcome, *reasons, **facts), id)


def runs(*ids: str) -> DuckDBSession:
    """Elementary's table of dbt runs: a release's for each version, and one that no release made."""
    connection = duckdb.connect()
    connection.execute("create table dbt_invocations (invocation_id varchar, cause varchar, cause_category varchar)")
    rows = [(f"run of {id[:4]}", id, run_dbt.CAUSE) for id in ids]
    connection.executemany("insert into dbt_invocations values (?, ?, ?)", [*rows, ("freshness", None, None)])
    return DuckDBSession(connection)


def unpublished(versions: Versions, *ids: str) -> dict[str, str]:
    """The runs of some versions that did not become prod, and how they are called."""
    found = candidates.of_runs(runs(*ids), versions, versions.project.prod)
    return {run: str(candidate) for run, candidate in found.items()}


def test_a_stopped_candidate_a_dry_run_and_a_lost_one_are_kept_apart_from_prod(versions):
    stop(versions, "0002-2026-11-24", "stopped", "customers differs")
    stop(versions, DRY_RUN, "dry run", dry_run=True)
    ids = ("0001-2026-11-23", "0002-2026-11-24", DRY_RUN, "0007-2026-11-24")
    expected = {
        "run of 0002": "stopped candidate 0002",
        "run of dry-": "candidate of a dry run",
        "run of 0007": "stopped candidate 0007",  # nothing tells of it, and it never was prod
    }
    assert unpublished(versions, *ids) == expected
    shutil.rmtree(versions.folder / "stopped")
    assert unpublished(versions, *ids) == expected, "the history outlasts the candidates"
    assert candidates.of_runs(runs(*ids), versions, versions.project.dev) == {}


def test_a_stop_is_remembered_when_its_candidate_is_removed(versions):
    for number in range(2, 7):
        stop(versions, f"{number:04d}-2026-11-24", "stopped", "a test failed")
    assert len(versions.stopped()) == KEPT_STOPPED
    assert [one["id"][:4] for one in candidates.to_report(versions, NOW)] == ["0002", "0003", "0004", "0005", "0006"]
    shutil.rmtree(versions.folder / "stopped")  # as on a runner that gets prod from an archive
    assert versions.next_id(NOW) == "0007-2026-11-24", "a number is used once"


def test_a_stop_that_could_not_be_noted_is_known_by_its_folder(versions):
    stop(versions, "0002-2026-11-24", "stopped", "No space left on device")
    (versions.folder / "stopped.jsonl").unlink()
    (stopped,) = candidates.to_report(versions, NOW)
    assert stopped["reason"] == "No space left on device"
    assert unpublished(versions, "0002-2026-11-24") == {"run of 0002": "stopped candidate 0002"}


@pytest.mark.parametrize("id", ["0002-2026-11-24", "0003-2026-11-24"], ids=["its own number", "a new number"])
def test_a_stopped_candidate_that_is_published_later_is_prod(versions, id):
    stop(versions, "0002-2026-11-24", "stopped", "customers differs")
    publish(versions, versions.folder / "stopped/0002-2026-11-24", id)
    assert unpublished(versions, "0002-2026-11-24") == {}
    assert [one["id"] for one in candidates.to_report(versions, NOW)] == []


def test_dry_runs_take_no_number_and_are_kept_apart_from_what_is_published(versions):
    stop(versions, DRY_RUN, "dry run", dry_run=True)
    stop(versions, DRY_RUN, "stopped", "a test failed", dry_run=True)
    assert versions.next_id(NOW) == "0002-2026-11-24"
    publish(versions, make(versions, "0002-2026-11-24", "published"))
    assert unpublished(versions, DRY_RUN, "0002-2026-11-24") == {"run of dry-": "candidate of a dry run"}
    (versions.folder / "stopped.jsonl").unlink()  # it could not be noted on a full disk
    assert unpublished(versions, DRY_RUN) == {"run of dry-": "candidate of a dry run"}


def hold_lock(versions: Versions, process: int, host: str) -> None:
    (versions.folder / "lock").write_text(json.dumps({"process": process, "host": host}))


def test_while_a_release_runs_nothing_is_known_of_its_candidate_and_once_it_is_killed_it_is_stopped(versions):
    make(versions, "0002-2026-11-24", "stopped", "it was killed")
    hold_lock(versions, os.getpid(), platform.node())
    assert unpublished(versions, "0002-2026-11-24") == {"run of 0002": "candidate 0002, whose release is under way"}
    assert candidates.to_report(versions, NOW) == []
    hold_lock(versions, 4_000_000, platform.node())  # no process has that number
    assert unpublished(versions, "0002-2026-11-24") == {"run of 0002": "stopped candidate 0002"}
    assert [one["reason"] for one in candidates.to_report(versions, NOW)] == ["it was killed"]
    versions.record_reported("0002-2026-11-24")
    versions.recover(versions.current(), "ada")  # the next release puts it in order
    assert candidates.to_report(versions, NOW) == [], "once"
    assert unpublished(versions, "0002-2026-11-24") == {"run of 0002": "stopped candidate 0002"}


def test_a_stop_is_reported_once_unless_it_was_a_dry_run_or_long_ago(versions):
    stop(versions, "0002-2026-11-24", "stopped", "a test failed")
    stop(versions, DRY_RUN, "stopped", "a test failed", dry_run=True)
    stop(versions, DRY_RUN, "dry run", dry_run=True)
    assert [one["id"] for one in candidates.to_report(versions, NOW)] == ["0002-2026-11-24"]
    assert candidates.to_report(versions, NOW + timedelta(seconds=1)) == []
    versions.record_reported("0002-2026-11-24")
    assert candidates.to_report(versions, NOW) == []


def test_the_message_says_which_why_what_prod_is_and_what_to_type(versions):
    remedy = "Fix what failed, then: make release"
    stop(versions, "0002-2026-11-24", "stopped", "test unique_orders: 3 rows", remedy=remedy)
    (stopped,) = candidates.to_report(versions, NOW)
    headline, lines = candidates.message(versions, stopped)
    assert headline == "Release 0002-2026-11-24 was stopped: prod is unchanged"
    assert lines[:5] == [
        "Why: test unique_orders: 3 rows",
        "Prod: still 0001-2026-11-23",
        "Commit: 2cd2551 feat: a city",
        "When: 2026-11-24 12:00 UTC, by ada",
        "Next: Fix what failed, then: make release",
    ]
    publish(versions, make(versions, "0003-2026-11-24", "published"))
    headline, lines = candidates.message(versions, stopped)
    assert headline == "Release 0002-2026-11-24 was stopped"
    assert lines[1] == "Prod: 0003-2026-11-24 since"
    assert lines[4] == "Next: nothing, because a later release was published"
    _, (why, *_) = candidates.message(versions, stopped | {"reason": "x" * 10_000})
    assert len(why) < 2000, "Slack takes 3000 characters"


def test_messages_name_prod_as_the_project_does(tmp_path):
    versions = start(Versions(project_at(tmp_path, targets={"prod": "production"})))
    stop(versions, "0002-2026-11-24", "stopped", "a test failed")
    headline, (_, now, *_) = candidates.message(versions, *candidates.to_report(versions, NOW))
    assert headline == "Release 0002-2026-11-24 was stopped: production is unchanged"
    assert now == "Production: still 0001-2026-11-23"
    assert unpublished(versions, "0002-2026-11-24") == {"run of 0002": "stopped candidate 0002"}


def test_results_are_found_by_what_elementary_alerts_of(versions):
    stop(versions, "0002-2026-11-24", "stopped")
    session = runs("0001-2026-11-23", "0002-2026-11-24")
    session.run("""
        create table elementary_test_results as
            from (values ('test in prod', 'run of 0001'), ('test', 'run of 0002')) as t(id, invocation_id);
        create table dbt_run_results as
            from (values ('model', 'run of 0002'), ('freshness', 'freshness')) as t(model_execution_id, invocation_id);
    """)
    found = candidates.of_alerts(session, versions, versions.project.prod)
    assert {id: str(one) for id, one in found.items()} == {
        "test": "stopped candidate 0002",
        "model": "stopped candidate 0002",
    }


# make report and make stats


@pytest.fixture
def history(versions) -> Path:
    """Elementary's tables after a release that was published and one that was stopped, a failed test and model in each."""
    stop(versions, "0002-2026-11-24", "stopped", "<b>customers</b> differs")
    with duckdb.connect(str(versions.folder / "monitoring.duckdb")) as connection:
        connection.execute(f"""
            create schema elementary;
            use elementary;
            create table dbt_invocations as select *, '{run_dbt.CAUSE}' as cause_category, '[]' as selected,
                '{datetime.now(UTC):%Y-%m-%d %H:%M:%S}' as generated_at,
                from (values ('run of 0001', '0001-2026-11-23'), ('run of 0002', '0002-2026-11-24')) as t(invocation_id, cause);
            create table elementary_test_results as select 'id' as id, invocation_id, status, 'Got 3' as test_results_description
                from dbt_invocations, (values ('pass'), ('fail')) as t(status);
            create table dbt_run_results as select invocation_id, generated_at, resource_type, status, name,
                'model.shop.' || name as unique_id, 'execution' as model_execution_id, null::varchar as message, 1 as rows_affected,
                1.0 as execution_time,
                from dbt_invocations, (values ('model', 'orders', 'error'), ('test', 'unique_orders', 'fail'),
                    ('test', 'not_null_orders', 'pass')) as t(resource_type, name, status);
            create table dbt_models as from (values ('model.shop.orders', 'models/marts/orders.sql'),
                ('model.shop.sales', 'models/marts/sales.sql'),
                ('model.shop.base', 'models/staging/shop/base/base.sql')) as t(unique_id, original_path);
            create table dbt_tests as from (values ('model.shop.orders', null, 'unique'), ('model.shop.sales', null, 'not_null'),
                ('model.shop.sales', 'dataops', 'unique')) as t(parent_model_unique_id, test_namespace, test_original_name),
                (select null::varchar as short_name);
        """)
    return versions.folder / "monitoring.duckdb"


def test_the_report_marks_what_failed_in_a_stopped_candidate_and_names_it(history, versions):
    project = versions.project
    with duckdb.connect(str(history)) as connection:
        session = DuckDBSession(connection)
        session.use("elementary")
        banner = report.mark_candidates(session, versions, project.prod, 30)
        results = connection.execute("select * exclude (id) from elementary_test_results order by all").fetchall()
        messages = connection.execute(
            "select invocation_id, name, message from dbt_run_results order by all"
        ).fetchall()
        assert report.mark_candidates(session, versions, project.dev, 30) == ""
    mark = "[In stopped candidate 0002: no reader of prod sees this data.]"
    assert results == [
        ("run of 0001", "fail", "Got 3"),
        ("run of 0001", "pass", "Got 3"),
        ("run of 0002", "fail", f"{mark} Got 3"),
        ("run of 0002", "pass", "Got 3"),
    ]
    assert {(run, message) for run, name, message in messages if name == "orders"} == {
        ("run of 0001", None),
        ("run of 0002", mark),
    }
    assert "1 of the builds in this report never became prod" in banner
    assert "<li>stopped candidate 0002 (0002-2026-11-24): &lt;b&gt;customers&lt;/b&gt; differs</li>" in banner


def test_statistics_count_what_was_not_published_apart(history, versions):
    project = versions.project
    shutil.copy(TEMPLATE / "dbt-bouncer.yml", project.root)
    trend, *_ = stats.statistics(project, project.prod)
    names, values = (list(column.cells) for column in trend.columns[:2])
    figures = dict(zip(names, values, strict=True))
    expected = {
        "runs": "1",
        "runs with a failure": "1",
        "models failed or skipped": "1",
        "tests run": "2",
        "tests failed": "1",
        "rows built": "3",
        "runs not published": "1",
        "models failed in them": "1",
        "tests failed in them": "1",
        "models with a tested key": "1 of 2, 1 exempt",
    }
    assert expected.items() <= figures.items(), figures


def test_models_with_a_tested_key_are_counted_by_the_rule_that_lint_checks():
    (rule,) = governance.rules_of(governance.TESTED_KEY, TEMPLATE / "dbt-bouncer.yml")

    def tested(path: str, *tests: str) -> bool | None:
        return governance.has_tested_key(path, tests, [rule])

    assert tested("models/marts/orders.sql", "not_null", "unique") is True
    assert tested("models/marts/orders.sql", "not_null", "dataops.unique_combination") is True
    assert tested("models/marts/orders.sql", "not_null", "dataops.accepted_range") is False
    assert tested("models/marts/orders.sql") is False
    assert tested("models/staging/shop/base/base_shop__orders.sql") is None
    assert tested("models/marts/orders.sql", "unique") is governance.has_tested_key(
        "models/marts/orders.sql", ["unique"], [{**rule, "include": ["^models/marts", "^models/staging"]}]
    )
    assert governance.has_tested_key("models/marts/orders.sql", [], [{**rule, "include": "^models/staging"}]) is None
    assert governance.has_tested_key("models/marts/orders.sql", [], []) is None
    names = [one["name"] for one in yaml.safe_load((TEMPLATE / "dbt-bouncer.yml").read_text())["manifest_checks"]]
    assert names.count(governance.TESTED_KEY) == 1


def test_why_dbt_ended_is_one_line_without_data():
    def cause(error: BaseException | None) -> str:
        return run_dbt._cause(error)

    value = "Conversion Error: Could not convert string 'ada@example.com' to INT32\n\nLINE 1: select 'ada@example.com'"
    assert cause(DbtBaseException(value)) == "Conversion Error: Could not convert string '...' to INT32"
    key = 'Constraint Error: Duplicate key "email: ada@example.com" violates primary key constraint.'
    assert "ada@" not in cause(DbtBaseException(key))
    profile = "The profile 'shop' has no target 'prod'."
    assert cause(DbtProfileError(profile)) == profile, "what the project names is no data"
    assert len(cause(DbtBaseException("word " * 500))) <= 300
    assert cause(None) == ""
