"""Monitoring with the real Elementary package: each fault is caught by a named monitor, reported and alerted once.

Needs DBT_PACKAGES_DIR, a folder with the unpacked dbt packages elementary and dbt_utils. What holds without it is in
test_packages.py and unit/monitoring.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import signal
import threading
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest

from tests.browser import look_at
from tests.code_host import Runner, failed, hosting, step
from tests.helpers import (
    Done,
    clean_environment,
    copy_project,
    git_init,
    in_candidate,
    make_project,
    run,
    start,
    succeed,
)
from tests.journeys.test_network import WATCHER
from tests.small_project import commit

PACKAGES = os.environ.get("DBT_PACKAGES_DIR")
pytestmark = pytest.mark.skipif(
    not PACKAGES, reason="needs DBT_PACKAGES_DIR: a folder with the dbt packages elementary and dbt_utils, unpacked"
)

PROD = "warehouse/prod/candidate/prod.duckdb"
HISTORY = "warehouse/prod/monitoring.duckdb"
FIRST = date(2026, 9, 20)  # the last day of the sample that a project starts with


def build(project: Path, day: date, *options: str) -> Done:
    """The nightly run after a day: loads and builds prod as if it were two in the morning of the next day."""
    now = datetime.combine(day + timedelta(days=1), datetime.min.time()) + timedelta(hours=2)
    variables = json.dumps({"custom_run_started_at": now.isoformat()})
    return run(*in_candidate("build", *options, "--vars", variables), cwd=project)


def load(project: Path, day: date) -> None:
    """Makes the sample up to a day and loads it into prod's raw tables."""
    succeed("make", "sample", f"ARGS=--until {day}", cwd=project)
    succeed(*in_candidate("build", "--resource-type", "seed"), cwd=project)


def query(project: Path, file: str, sql: str) -> list[tuple]:
    with duckdb.connect(str(project / file), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def failed_monitors(project: Path) -> dict[str, tuple[str, str]]:
    """The tests of the newest run that did not pass, as Elementary keeps them: of which table, and of which kind."""
    found = query(
        project,
        HISTORY,
        """
        select distinct coalesce(t.alias, t.name), lower(r.table_name), r.test_short_name
        from elementary.elementary_test_results as r
        join elementary.dbt_tests as t on t.unique_id = r.test_unique_id
        where r.status in ('fail', 'warn', 'error') and r.invocation_id = (
            select invocation_id from elementary.dbt_invocations where command = 'build'
            order by generated_at desc limit 1
        )
        """,
    )
    return {name: (table, kind) for name, table, kind in found}


@pytest.fixture(scope="session")
def monitored_project(tmp_path_factory) -> Path:
    """A project whose prod has been monitored once, with 60 days of data. Tests take a copy."""
    project = make_project(tmp_path_factory.mktemp("monitored"), sample_until=str(FIRST), alerts="slack")
    git_init(project)
    done = succeed("make", "setup", cwd=project, environment=clean_environment(DBT_PACKAGES_DIR=PACKAGES))
    assert f"2/3 dbt packages: from {PACKAGES}" in done.output
    done = build(project, FIRST)
    assert done.code == 0, done
    assert "WARN=0 ERROR=0 SKIP=0" in done.output, done
    return project


@pytest.fixture
def project(monitored_project, tmp_path) -> Path:
    return copy_project(monitored_project, tmp_path)


def test_dbt_show_works_for_every_model(monitored_project):
    """It runs the tests of the models too, and Elementary's exposure test is no query then."""
    show = (".venv/bin/dbt", "--quiet", "show", "--select", "path:models", "--limit", "1")
    environment = clean_environment(DBT_TARGET="prod", DATAOPS_CANDIDATE="true")
    succeed(*show, cwd=monitored_project, environment=environment)


def test_the_first_run_passes_every_monitor(monitored_project):
    assert failed_monitors(monitored_project) == {}
    (count,) = query(
        monitored_project,
        HISTORY,
        "select count(*) from elementary.elementary_test_results where test_type != 'dbt_test'",
    )[0]
    assert count >= 9, "the monitors did not run"


YESTERDAY = FIRST + timedelta(days=1)
OF_YESTERDAY = f"ordered_at like '{YESTERDAY}%'"
FAULTS: dict[str, tuple[str, set[str]]] = {
    "40-percent-of-the-orders-missing": (
        f"delete from raw.raw_orders where {OF_YESTERDAY} and hash(order_id) % 100 < 40",
        {"orders_of_a_day"},
    ),
    "a-day-not-loaded": (
        f"delete from raw.raw_orders where _loaded_at >= '{YESTERDAY}'",
        {"orders_of_a_day", "orders_arrive_every_day", "rows_of_a_load_of_raw_orders"},
    ),
    "a-column-renamed": (
        "alter table raw.raw_orders rename column channel to sales_channel",
        {"columns_of_raw_orders"},
    ),
    "a-column-dropped": ("alter table raw.raw_payments drop column method", {"columns_of_raw_payments"}),
    "a-column-retyped": (
        "alter table raw.raw_payments alter column payment_id type bigint",
        {"columns_of_raw_payments"},
    ),
    "nulls-from-0-to-20-percent": (
        f"update raw.raw_orders set channel = null where {OF_YESTERDAY} and hash(order_id) % 100 < 20",
        {"orders_without_a_channel"},
    ),
    "a-category-vanishes": (
        f"delete from raw.raw_orders where {OF_YESTERDAY} and channel = 'till'",
        {"orders_of_a_channel"},
    ),
    "cents-for-units": (
        f"""update raw.raw_order_items set unit_price = cast(cast(unit_price as decimal(18, 2)) * 100 as varchar)
            where _loaded_at >= '{YESTERDAY}'""",
        {"amount_of_an_order"},
    ),
    "duplicates": (
        f"insert into raw.raw_orders select * from raw.raw_orders where _loaded_at >= '{YESTERDAY}'",
        {"rows_of_a_load_of_raw_orders"},
    ),
}


def break_yesterday(project: Path, fault: str) -> dict[str, tuple[str, str]]:
    """Loads yesterday, damages it, and builds; returns the monitors that had to notice, as `failed_monitors` does."""
    sql, monitors = FAULTS[fault]
    load(project, YESTERDAY)
    with duckdb.connect(str(project / PROD)) as warehouse:
        warehouse.execute(sql)
    done = build(project, YESTERDAY, "--exclude-resource-type", "seed")
    caught = failed_monitors(project)
    assert monitors <= set(caught), (caught, done)
    return {monitor: caught[monitor] for monitor in monitors}


class Slack(ThreadingHTTPServer):
    """Takes the place of Slack: keeps what is posted, and answers as it is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = self.accept
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                server.body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                server.answer(self)

            def log_message(self, *_arguments):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/services/secret"

    @staticmethod
    def reply(request: BaseHTTPRequestHandler, code: int, text: str = "", **headers: str) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(text.encode())

    def accept(self, request: BaseHTTPRequestHandler) -> None:
        self.messages.append(self.body)
        self.reply(request, 200, "ok")


@pytest.fixture
def slack() -> Iterator[Slack]:
    server = Slack()
    yield server
    server.shutdown()
    server.server_close()


def send_alerts(project: Path, slack: Slack | None, *options: str) -> Done:
    environment = clean_environment(**({"ALERTS_WEBHOOK": slack.url} if slack else {}))
    return run("make", "alerts", f"ARGS={' '.join(options)}", cwd=project, environment=environment)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught_on_the_next_run_reported_and_alerted_once(project, fault, slack, tmp_path):
    monitors = break_yesterday(project, fault)
    page = report_of(project, "prod")
    seen = look_at(page, tmp_path, "/report/test-results")
    for table, kind in monitors.values():
        line = rf"(?i) {table} \S+ {kind} [^:]+:\d\d:\d\d [AP]M Warning"
        assert re.search(line, seen.text), (line, seen.text)
    assert seen.asked == set(), "the page is to be read without a network"
    dry = send_alerts(project, None, "--dry-run")
    assert dry.code == 0, dry
    sent = send_alerts(project, slack)
    assert sent.code == 0, sent
    for monitor in monitors:
        assert f"Monitor: {monitor}" in dry.output
        found = [message for message in slack.messages if f"Monitor: {monitor}" in message]
        assert len(found) == len(set(found)) > 0  # a renamed column is two messages: one gone, one new
        message = found[0]
        for part in ("@corner-shop/data", "data@example.com", "docs/runbook/", "Result Message"):
            assert part in message, (part, message)
    count = len(slack.messages)
    again = send_alerts(project, slack)
    assert again.code == 0, again
    assert "0 new alerts of prod sent." in again.output
    assert len(slack.messages) == count


def report_of(project: Path, target: str) -> Path:
    """The page that `make report` writes of an environment."""
    page = project / "target/report" / f"{target}.html"
    assert page.as_uri() in succeed("make", "report", cwd=project).output
    return page


def test_the_report_shows_models_tests_run_times_lineage_and_owners(monitored_project, tmp_path):
    page = report_of(monitored_project, "prod")
    dashboard = look_at(page, tmp_path).text
    assert "corner_shop (prod)" in dashboard
    tests = look_at(page, tmp_path, "/report/test-results").text
    assert re.search(r"Passed \([1-9]\d{1,2}\) Warnings \(0\) Errors \(0\)", tests), tests
    runs = look_at(page, tmp_path, "/report/model-runs").text
    assert re.search(r"marts orders \d\.\d Secs \d\.\d Secs 0% 1 Success", runs), runs
    assert "Select a dataset or folder" in look_at(page, tmp_path, "/report/lineage").text
    data = json.loads(base64.b64decode(re.search(r"atob\('([^']+)'\)", page.read_text())[1]))
    orders = "model.corner_shop.orders"
    assert data["models"][orders]["owners"] == ["@corner-shop/data"]
    assert [orders, "model.corner_shop.int_orders__enriched"] in data["lineage"]["edges"]


def test_every_morning_on_github_a_fault_is_reported_and_alerted(slack, tmp_path):
    """The workflows' own steps, from the first release on: what monitoring learnt comes along in prod's artifact."""
    yesterday = date.today() - timedelta(days=1)
    origin = make_project(tmp_path, sample_until=str(yesterday - timedelta(days=1)), alerts="slack")
    git_init(origin)
    succeed("make", "setup", cwd=origin, environment=clean_environment(DBT_PACKAGES_DIR=PACKAGES))
    first = commit(origin, "feat: start the project")
    with hosting() as github:
        runner = Runner(origin, tmp_path, github, github.api.address)
        runner.secrets["ALERTS_WEBHOOK"] = slack.url
        (steps,) = runner.workflow("release.yml", first, set_up=False).values()
        assert failed(steps) == []

        succeed("make", "sample", f"ARGS=--until {yesterday}", cwd=origin)
        orders = origin / "seeds/shop/raw_orders.csv"
        lines = orders.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for number, line in enumerate(lines) if f",{yesterday}" not in line or number % 5 > 2]
        assert 0 < len(lines) - len(kept) < 40
        orders.write_text("".join(kept), encoding="utf-8")
        (steps,) = runner.workflow("schedule.yml", commit(origin, "feat: a day"), set_up=False).values()
    # Items and payments of orders that never came go to quarantine, so the release stops. The owner hears that, once, and not of
    # each failure in data that no reader sees.
    assert failed(steps) == ["Release"]
    assert "is not released: prod is still 0001-" in step(steps, "Release").done.output
    (message,) = [message for message in slack.messages if "was stopped" in message]
    for part in (
        "Release 0002-",
        "was stopped: prod is unchanged",
        "Why: ",
        "Prod: still 0001-",
        "docs/runbook/release.md",
    ):
        assert part in message, (part, message)
    assert "in stopped candidate 0002 are not sent" in step(steps, "Alerts").done.output
    # 0001 was published without a day that its monitors missed: that is alerted.
    (folder,) = tmp_path.glob("clone2/*")
    alerts = query(
        folder,
        HISTORY,
        """
        select distinct a.status, i.cause[:4] from elementary.alerts_v2 as a
        join elementary.elementary_test_results as r on r.id = a.alert_id
        join elementary.dbt_invocations as i on i.invocation_id = r.invocation_id
        order by all
        """,
    )
    assert alerts == [("pending", "0002"), ("sent", "0001")]
    (report,) = (one for one in github.artifacts if one.name == "report")
    with zipfile.ZipFile(io.BytesIO(report.content)) as files:
        page = files.read("prod.html").decode()
    assert "stopped candidate 0002 (0002-" in page
    data = base64.b64decode(re.search(r"atob\('([^']+)'\)", page)[1]).decode()
    assert "[In stopped candidate 0002: no reader of prod sees this data.]" in data


def test_a_clean_fortnight_raises_no_alert(project):
    for number in range(1, 15):
        day = FIRST + timedelta(days=number)
        succeed("make", "sample", f"ARGS=--until {day}", cwd=project)
        done = build(project, day)
        assert done.code == 0, done
        assert failed_monitors(project) == {}, (day, done)
    dry = send_alerts(project, None, "--dry-run")
    assert dry.code == 0, dry
    assert "0 new alerts of prod to send." in dry.output
    assert query(project, HISTORY, "select count(*) from elementary.dbt_invocations where command = 'build'") == [(15,)]


def test_an_alert_speaks_of_the_day_that_is_wrong(project):
    break_yesterday(project, "a-day-not-loaded")
    dry = send_alerts(project, None, "--dry-run").output
    (orders,) = [part for part in dry.split("Warning:") if "Monitor: orders_of_a_day" in part]
    assert "the last row_count value is 0.000." in orders.lower(), dry


def choose(project: Path, setting: str, before: str, after: str) -> None:
    """Changes a setting of the project."""
    settings = project / "pyproject.toml"
    text = settings.read_text(encoding="utf-8")
    assert f'{setting} = "{before}"' in text
    settings.write_text(text.replace(f'{setting} = "{before}"', f'{setting} = "{after}"'), encoding="utf-8")


def test_teams_gets_a_card(project, slack):
    choose(project, "alerts", "slack", "teams")
    monitors = break_yesterday(project, "a-day-not-loaded")
    slack.answer = lambda request: slack.reply(request, 500, "no")
    assert "teams did not accept an alert" in send_alerts(project, slack).output

    def accept_later(request: BaseHTTPRequestHandler) -> None:  # as a Teams workflow answers
        slack.messages.append(slack.body)
        slack.reply(request, 202)

    slack.answer = accept_later
    sent = send_alerts(project, slack)
    assert sent.code == 0, sent
    for monitor in monitors:
        (message,) = [message for message in slack.messages if f"Monitor: {monitor}" in message]
        (card,) = json.loads(message)["attachments"]
        assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
        for part in ("@corner-shop/data", "data@example.com", "docs/runbook/", "Result Message"):
            assert part in json.dumps(card), (part, card)
    assert "0 new alerts of prod sent." in send_alerts(project, slack).output


def test_an_endpoint_in_trouble_loses_no_alert(project, slack):
    break_yesterday(project, "a-day-not-loaded")
    down = Slack()
    down.shutdown()
    down.server_close()
    refused = send_alerts(project, down)
    assert refused.code != 0
    assert "slack did not accept an alert" in refused.output
    assert "What was not sent is sent by the next make alerts." in refused.output
    assert "Traceback" not in refused.output
    assert "services/secret" not in refused.output, "the webhook is a secret"

    slack.answer = lambda request: slack.reply(request, 500, "no")
    assert send_alerts(project, slack).code != 0

    turns = iter([False, True])

    def too_many_requests_once(request: BaseHTTPRequestHandler) -> None:
        if next(turns, True):
            slack.accept(request)
        else:
            slack.reply(request, 429, "", Retry_After="1")

    slack.answer = too_many_requests_once
    sent = send_alerts(project, slack)
    assert sent.code == 0, sent
    expected = {"orders_of_a_day", "orders_arrive_every_day", "rows_of_a_load_of_raw_orders"}
    for monitor in expected:
        assert sum(f"Monitor: {monitor}" in message for message in slack.messages) == 1
    assert "0 new alerts" in send_alerts(project, slack).output


def test_a_slow_endpoint_is_given_up_after_a_while(project, slack):
    break_yesterday(project, "duplicates")
    release = threading.Event()
    slack.answer = lambda request: release.wait(60)
    done = send_alerts(project, slack)
    release.set()
    assert done.code != 0
    assert "no answer within 30 seconds" in done.output
    assert done.seconds < 30 + 40, done
    slack.answer = slack.accept
    assert send_alerts(project, slack).code == 0
    assert slack.messages


def test_a_build_that_is_killed_leaves_monitoring_readable_and_a_damaged_file_is_set_aside(project):
    for started in ("marts.orders", "elementary.on-run-end"):
        with start(*in_candidate("build"), cwd=project) as killed:
            for line in killed.stdout:
                if "START" in line and started in line:
                    break
            os.killpg(killed.pid, signal.SIGKILL)
            killed.wait()
        succeed("make", "stats", cwd=project)  # waits until the system has taken the dead process's lock away
        assert query(project, HISTORY, "select count(*) > 0 from elementary.dbt_invocations") == [(True,)]
    content = (project / HISTORY).read_bytes()
    (project / HISTORY).write_bytes(content[:-1000])
    asked = run("make", "report", cwd=project)
    assert asked.code != 0
    assert "monitoring.duckdb is damaged: Could not read enough bytes" in asked.output
    assert "To set it aside and start a new history: make release" in asked.output
    assert "Traceback" not in asked.output
    done = build(project, FIRST)
    assert done.code == 0, done
    assert "The history of monitoring starts again." in done.output
    (kept,) = (project / HISTORY).parent.glob("monitoring.damaged-*.duckdb")
    assert kept.read_bytes() == content[:-1000]
    assert query(project, HISTORY, "select count(*) from elementary.dbt_invocations where command = 'build'") == [(1,)]
    assert failed_monitors(project) == {}


def test_statistics_name_what_ran(monitored_project):
    stats = succeed("make", "stats", cwd=monitored_project).output
    assert re.search(r"runs\s+│\s+1 │\s+0 │\s+\+1", stats), stats
    assert "18 of 18, 5 exempt" in stats
    tables = (
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where schema_name in ('raw', 'staging', 'marts', 'snapshots')"
    )
    built = sum(
        query(monitored_project, PROD, f"select count(*) from {name}")[0][0]
        for (name,) in query(monitored_project, PROD, tables)
    )
    assert re.search(rf"rows built\s+│\s+{built:,} │", stats), (built, stats)
    assert "slowest tests" in stats


def test_old_history_is_removed_only_when_told(project):
    with duckdb.connect(str(project / HISTORY)) as history:
        for table, column in (("dbt_run_results", "generated_at"), ("elementary_test_results", "detected_at")):
            history.execute(f"create temp table old as from elementary.{table} limit 5")
            history.execute(f"update old set {column} = cast({column} as timestamp) - interval 400 day")
            history.execute(f"insert into elementary.{table} from old")
            history.execute("drop table old")
    count = "select (select count(*) from elementary.dbt_run_results), (select count(*) from elementary.elementary_test_results)"
    ((runs, tests),) = query(project, HISTORY, count)
    asked = run("make", "monitor-clean", "ARGS=--days 365", cwd=project)
    assert asked.code != 0
    assert re.search(r"dbt_run_results +5 rows", asked.output), asked
    assert "Nothing was removed.\nTo remove them: make monitor-clean ARGS=" in asked.output
    assert query(project, HISTORY, count) == [(runs, tests)]
    removed = succeed("make", "monitor-clean", "ARGS=--days 365 --yes", cwd=project)
    assert "10 rows removed; the last 365 days are kept." in removed.output
    assert query(project, HISTORY, count) == [(runs - 5, tests - 5)]


def test_it_can_be_switched_off(project):
    """By the setting alone: the package stays installed, and dbt sees its stub."""
    choose(project, "monitoring", "elementary", "none")
    before = (project / HISTORY).read_bytes()
    done = build(project, FIRST)
    assert done.code == 0, done
    assert "WARN=0 ERROR=0 SKIP=0" in done.output
    assert "orders_of_a_day" not in done.output
    assert "lementary" not in done.output, done
    assert (project / HISTORY).read_bytes() == before
    refused = run("make", "report", cwd=project)
    assert "Monitoring is off" in refused.output
    assert refused.code != 0


def test_dev_is_monitored_on_request_only(project, tmp_path):
    succeed("make", "build", cwd=project)
    assert not (project / "warehouse/dev/monitoring.duckdb").exists()
    done = succeed("make", "build", cwd=project, environment=clean_environment(ELEMENTARY_ENABLED="true"))
    assert "orders_of_a_day" in done.output
    assert (project / "warehouse/dev/monitoring.duckdb").exists()
    assert "dev: trend" in succeed("make", "stats", cwd=project).output
    report_of(project, "prod")
    assert "corner_shop (dev)" in look_at(report_of(project, "dev"), tmp_path).text
    plain = succeed("make", "build", cwd=project)
    assert "orders_of_a_day" not in plain.output, "an Elementary test is reported where monitoring is off"
    assert "Elementary:" not in plain.output
    nodes = json.loads((project / "target/dev/manifest.json").read_text())["nodes"]
    assert not [name for name in nodes if name.startswith("model.elementary.dbt_")], "dev parses Elementary"


PERSONAL = "secret.person@example.org"


def test_personal_data_stays_out_of_history_report_and_alerts(project, slack):
    """Tests of every kind find rows with personal data: on the column, on another one, and over several tables."""
    yaml_file = project / "models/marts/customers.yml"
    text = yaml_file.read_text()
    yaml_file.write_text(
        text.replace(
            "        description: E-mail address in lower case, null where none was given.\n",
            "        description: E-mail address in lower case, null where none was given.\n"
            "        data_tests:\n          - accepted_values:\n"
            "              arguments: {values: [nobody]}\n              config: {severity: warn}\n",
        )
    )
    (project / "tests/customers_with_an_address.sql").write_text(
        "{{ config(severity='warn') }}\n\n"
        "select orders.order_id, customers.email\nfrom {{ ref('orders') }} as orders\n"
        "inner join {{ ref('customers') }} as customers on orders.customer_id = customers.customer_id\n"
        "where customers.email is not null\n"
    )
    # What stops at a value names it in its message.
    number = "select cast(email as integer) as email_number from {{ ref('stg_shop__customers') }}\n"
    (project / "models/staging/addresses_as_numbers.sql").write_text(
        f"{{{{ config(materialized='table') }}}}\n{number}"
    )
    (project / "tests/addresses_are_numbers.sql").write_text(number.replace("stg_shop__customers", "customers"))
    load(project, YESTERDAY)
    with duckdb.connect(str(project / PROD)) as warehouse:
        warehouse.execute(f"update raw.raw_customers set email = '{PERSONAL}', name = 'Sec Retperson'")
    done = build(project, YESTERDAY, "--exclude-resource-type", "seed")
    assert f"Could not convert string '{PERSONAL}'" in done.output
    assert {"customers_with_an_address", "addresses_are_numbers"} <= set(failed_monitors(project)), done
    succeed("make", "report", cwd=project)
    send_alerts(project, slack)
    assert any("Could not convert string '...'" in message for message in slack.messages)
    assert any("addresses_as_numbers" in message for message in slack.messages)
    with duckdb.connect(str(project / HISTORY), read_only=True) as history:
        for (table,) in history.execute("select table_name from duckdb_tables()").fetchall():
            rows = str(history.execute(f"from elementary.{table}").fetchall()).lower()
            assert PERSONAL not in rows, table
            assert "retperson" not in rows, table
    page = (project / "target/report/prod.html").read_text()
    data = base64.b64decode(re.search(r"atob\('([^']+)'\)", page)[1]).decode().lower()
    assert "customers_with_an_address" in data
    for message in (data, *slack.messages):
        assert PERSONAL not in message
        assert "retperson" not in message.lower()


def test_no_telemetry_and_no_network(project, tmp_path):
    """dbt and Elementary ask nobody for anything, but the webhook."""
    (tmp_path / "watcher").mkdir()
    (tmp_path / "watcher" / "sitecustomize.py").write_text(WATCHER)
    log = tmp_path / "log"
    environment = clean_environment(PYTHONPATH=str(tmp_path / "watcher"), WATCHER_LOG=str(log))
    for command in (("build",), ("source", "freshness")):
        run(*in_candidate(*command), cwd=project, environment=environment)
    for task in ("report", "stats"):
        succeed("make", task, cwd=project, environment=environment)
    succeed("make", "alerts", "ARGS=--dry-run", cwd=project, environment=environment)
    assert not log.exists(), log.read_text()
