"""Monitoring is a setting: what the rest of the package gets from `monitor()`, and what the commands say where it is off."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import duckdb
import pytest
import yaml

from dataops.dbt import read_command
from dataops.errors import IMPOSSIBLE, DataopsError
from dataops.monitoring import NoMonitor, elementary, history, monitor, stub
from dataops.monitoring.elementary import ElementaryMonitor
from dataops.project import Project, Settings
from tests.helpers import TEMPLATE, project_at


def project_with(monitoring: str, root: Path, **variables: str) -> Project:
    """A project with a value of the setting `monitoring`."""
    return replace(project_at(root, **variables), settings=Settings(monitoring=monitoring))


@pytest.fixture
def installed(tmp_path) -> Path:
    """A project's dbt_packages, with Elementary 0.25.1 in it."""
    folder = tmp_path / "dbt_packages"
    for name, version in (("elementary", "0.25.1"), ("dataops", "1.0.0")):
        (folder / name / "macros").mkdir(parents=True)
        (folder / name / "dbt_project.yml").write_text(f"name: {name}\nversion: {version}\n")
    (folder / "elementary/macros/volume.sql").write_text("{% test volume_anomalies(model) %}{% endtest %}")
    return folder


@pytest.mark.parametrize("command", ["report", "alerts", "stats", "clean"])
@pytest.mark.parametrize(
    ("file", "place"), [("pyproject.toml", "[tool.dataops] of pyproject.toml"), ("dataops.toml", "dataops.toml")]
)
def test_where_monitoring_is_off_a_command_says_what_to_write_where(command, file, place, tmp_path):
    """Elementary's Python is not installed here, so the test proves too that nothing asks for it."""
    off = project_with("none", tmp_path)
    (tmp_path / file).touch()
    with pytest.raises(DataopsError) as error:
        import_module(f"dataops.monitoring.{command}").main.main([], standalone_mode=False, obj=off)
    assert error.value.exit_code == IMPOSSIBLE
    assert error.value.problem == f'Monitoring is off: the setting monitoring is "none" in {place}.'
    assert 'write monitoring = "elementary" there' in error.value.remedy
    assert "Then: make setup" in error.value.remedy


@pytest.mark.parametrize("command", ["report", "alerts", "stats", "clean"])
def test_where_elementarys_command_line_is_missing_a_command_says_what_to_add(command, installed, monkeypatch):
    monitored = project_with("elementary", installed.parent)
    monkeypatch.setattr(elementary, "cli_version", lambda: None)
    with pytest.raises(DataopsError, match="Add elementary-data to the dependency group dev") as error:
        import_module(f"dataops.monitoring.{command}").main.main([], standalone_mode=False, obj=monitored)
    assert error.value.exit_code == IMPOSSIBLE


def test_what_is_not_monitored_needs_neither_elementary_nor_duckdb(tmp_path, monkeypatch):
    for name in ("duckdb", "elementary"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it is an error now
    for name in [name for name in sys.modules if name.startswith(("dataops.monitoring", "dataops.engines"))]:
        monkeypatch.delitem(sys.modules, name)
    project = project_with("none", tmp_path)
    off, prod = import_module("dataops.monitoring").monitor(project), project.prod
    assert off.preparation(prod, "build", []) == ([], [])
    assert off.make_usable(prod) is None
    assert off.replace_missing(["elementary"], "The hub is down.") is None
    assert (off.tools, off.setup_problem(), off.is_on(prod)) == ((), None, False)
    assert off.variables(prod, every_package=False)["ELEMENTARY_ENABLED"] == "false"
    with pytest.raises(ModuleNotFoundError):
        import_module("dataops.engines.duckdb")


def test_the_setting_chooses_the_monitor(tmp_path):
    assert type(monitor(project_with("none", tmp_path))) is NoMonitor
    assert type(monitor(project_with("elementary", tmp_path))) is ElementaryMonitor


def test_where_it_is_switched_off_dbt_sees_the_stub_of_an_installed_elementary(installed):
    project = project_with("none", installed.parent)
    variables = NoMonitor(project).variables(project.prod, every_package=False)
    assert variables["ELEMENTARY_ENABLED"] == "false"
    seen = project.path(variables["DATAOPS_PACKAGES_FOLDER"])
    assert yaml.safe_load((seen / "elementary/dbt_project.yml").read_text())["version"] == stub.VERSION
    assert "test volume_anomalies(model)" in (seen / "elementary/macros/tests.sql").read_text()
    assert (seen / "dataops").resolve() == installed / "dataops"
    every = NoMonitor(project).variables(project.prod, every_package=True)["DATAOPS_PACKAGES_FOLDER"]
    assert project.path(every) == installed, "dbt deps must not install into the links"


@pytest.mark.parametrize(
    ("role", "variables", "monitored"),
    [
        ("prod", {}, True),
        ("dev", {}, False),
        ("dev", {"ELEMENTARY_ENABLED": "true"}, True),
        ("prod", {"ELEMENTARY_ENABLED": "False"}, False),
    ],
)
def test_monitored_runs_see_elementary_and_others_its_stub(role, variables, monitored, installed):
    """By what an environment is for, whatever its name: profiles.yml and dbt_project.yml read the same variable."""
    targets = {"dev": "development", "prod": "production"}
    project = project_at(installed.parent, targets=targets, **variables)
    given = ElementaryMonitor(project).variables(getattr(project, role), every_package=False)
    assert (project.path(given["DATAOPS_PACKAGES_FOLDER"]) == installed) is monitored
    assert given["ELEMENTARY_ENABLED"] == str(monitored).lower()


@pytest.mark.parametrize(
    ("arguments", "first", "more"),
    [
        (("build",), True, True),
        (("build", "--select", "elementary_schools"), True, True),
        (("build", "--select", "stg_elementary+"), True, True),
        (("test", "--select", "orders"), True, False),
        (("build", "--select", "package:elementary"), False, False),
        (("run", "--select", "orders,elementary.edr+"), False, False),
        (("run", "--select=@elementary"), False, False),
        (("ls",), False, False),
    ],
)
def test_elementarys_tables_are_created_before_a_monitored_command(arguments, first, more, installed, monkeypatch):
    """And left out of it, unless the command selects them itself. A model's name may begin with `elementary`."""
    monkeypatch.setattr(elementary, "cli_version", lambda: "0.25.1")
    monkeypatch.chdir(TEMPLATE)  # dbt looks for profiles.yml
    given = read_command(arguments)
    project = project_with("elementary", installed.parent)
    command, options = ElementaryMonitor(project).preparation(project.prod, given.name, given.select)
    assert bool(command) is first
    assert bool(options) is more
    assert ElementaryMonitor(project).preparation(project.dev, given.name, given.select) == ([], [])


@pytest.mark.parametrize(("role", "schema"), [("dev", "my-Dev_elementary"), ("prod", "elementary")])
@pytest.mark.parametrize(("version", "first"), [("0.25.1", False), ("0.24.0", True)])
def test_elementarys_tables_are_created_once_for_each_version(role, schema, version, first, installed, monkeypatch):
    """In the schema of the environment, whatever its name."""
    monkeypatch.setattr(elementary, "cli_version", lambda: "0.25.1")
    targets = {"dev": "my-Dev", "prod": "production"}
    project = project_at(installed.parent, targets=targets, ELEMENTARY_ENABLED="true")
    environment = getattr(project, role)
    environment.folder.mkdir(parents=True)
    with duckdb.connect(str(environment.folder / "monitoring.duckdb")) as connection:
        connection.execute(f'create schema "{schema}"')
    assert history.tables_version(project, environment) is None
    with duckdb.connect(str(environment.folder / "monitoring.duckdb")) as connection:
        connection.execute(f"create table \"{schema}\".metadata as select '{version}' as dbt_pkg_version")
    command, _ = ElementaryMonitor(project).preparation(environment, "build", [])
    assert bool(command) is first
    with history.opened(project, environment) as session:
        assert session.row("select dbt_pkg_version from metadata") == (version,)


def test_what_was_never_monitored_says_how_to_monitor_it(installed, monkeypatch):
    monkeypatch.setattr(elementary, "cli_version", lambda: "0.25.1")
    project = project_at(installed.parent, targets={"ci": "checks"})
    with pytest.raises(
        DataopsError, match=r"checks has not been monitored yet: .*monitoring\.duckdb is missing"
    ) as error:
        ElementaryMonitor(project).require_history(project.ci)
    assert error.value.remedy.startswith("Type: ELEMENTARY_ENABLED=true ")
    project.prod.folder.mkdir(parents=True)
    (project.prod.folder / "monitoring.duckdb").write_text("no database")
    with pytest.raises(DataopsError, match=r"monitoring\.duckdb is damaged: ") as error:
        ElementaryMonitor(project).require_history(project.prod)
    assert error.value.remedy.startswith("To set it aside and start a new history: ")


def test_a_stub_replaces_elementary_alone(installed):
    project = project_with("elementary", installed.parent)
    monitoring = ElementaryMonitor(project)
    assert monitoring.replace_missing(["elementary", "dbt_utils"], "The hub is down.") is None
    assert stub.has_package(project)
    summary = monitoring.replace_missing(["elementary"], "The hub is down.")
    assert summary.startswith("monitoring is off.\n    The hub is down. Elementary's dbt package is not installed")
    assert summary.endswith("DBT_PACKAGE_HUB_URL=<a mirror>, make setup")
    assert not stub.has_package(project)


@pytest.mark.parametrize(
    ("kind", "webhook", "text"),
    [
        ("none", None, "Alerts go nowhere: the setting alerts is 'none'"),
        ("slack", None, "ALERTS_WEBHOOK is not set. It is the address that slack gives you"),
        ("teams", "example.com", "ALERTS_WEBHOOK is not an address"),
        ("teams", "https://example.com/hook", None),
    ],
)
def test_alerts_need_a_destination(kind, webhook, text, tmp_path):
    alerts = import_module("dataops.monitoring.alerts")
    variables = {"ALERTS_WEBHOOK": webhook} if webhook else {}
    project = replace(project_at(tmp_path, **variables), settings=Settings(alerts=kind))
    if not text:
        assert alerts.webhook_of(project) == webhook
        return
    with pytest.raises(DataopsError, match=text) as error:
        alerts.webhook_of(project)
    assert error.value.exit_code == IMPOSSIBLE


def test_old_rows_are_removed_and_the_newest_snapshot_of_a_table_stays(installed, monkeypatch, capsys):
    monkeypatch.setattr(elementary, "cli_version", lambda: "0.25.1")
    project = project_with("elementary", installed.parent)
    project.prod.folder.mkdir(parents=True)
    with duckdb.connect(str(project.prod.folder / "monitoring.duckdb")) as connection:
        connection.execute("""
            create schema elementary;
            use elementary;
            create table metadata as select '0.25.1' as dbt_pkg_version;
            create table dbt_run_results as from (values (now()::timestamp), ('2024-01-01')) as t(generated_at);
            create table schema_columns_snapshot as
                from (values ('a', timestamp '2024-01-01'), ('a', timestamp '2024-01-02')) as t(full_table_name, detected_at);
            create schema other;
            create table other.alerts_v2 as select timestamp '2024-01-01' as detected_at;
        """)
    remove = import_module("dataops.monitoring.clean").main
    with pytest.raises(DataopsError, match=r"Nothing was removed\.") as error:
        remove.main([], standalone_mode=False, obj=project)
    assert error.value.remedy == "To remove them: make monitor-clean ARGS=--yes"
    remove.main(["--yes"], standalone_mode=False, obj=project)
    assert "2 rows removed; the last 180 days are kept." in capsys.readouterr().out
    with history.opened(project, project.prod) as session:
        assert session.row("select count(*) from dbt_run_results") == (1,)
        assert session.rows("select detected_at::date::varchar from schema_columns_snapshot") == [("2024-01-02",)]
        assert session.row("select count(*) from other.alerts_v2") == (1,)
    with pytest.raises(
        DataopsError, match=r"--environment pord is not an environment .* Did you mean --environment prod\?"
    ):
        remove.main(["--environment", "pord"], standalone_mode=False, obj=project)
