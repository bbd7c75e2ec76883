"""Monitoring is a setting: what the rest of the package gets from `monitor()`, and what the commands say where it is off."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from dataops import monitoring
from dataops.dbt import read_command
from dataops.errors import IMPOSSIBLE, DataopsError
from dataops.monitoring import NoMonitor, elementary, monitor, stub
from dataops.monitoring.elementary import ElementaryMonitor
from dataops.project import Settings
from tests.helpers import TEMPLATE


@pytest.fixture
def choose(monkeypatch):
    """Chooses the setting `monitoring`."""
    return lambda value: monkeypatch.setattr(monitoring, "settings", lambda: Settings(monitoring=value))


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """A project's dbt_packages, with Elementary 0.25.1 in it."""
    folder = tmp_path / "dbt_packages"
    for name, version in (("elementary", "0.25.1"), ("dataops", "1.0.0")):
        (folder / name / "macros").mkdir(parents=True)
        (folder / name / "dbt_project.yml").write_text(f"name: {name}\nversion: {version}\n")
    (folder / "elementary/macros/volume.sql").write_text("{% test volume_anomalies(model) %}{% endtest %}")
    for module in (stub, elementary):
        monkeypatch.setattr(module, "INSTALLED", folder)
    monkeypatch.setattr(stub, "UNMONITORED", tmp_path / "target/unmonitored")
    return folder


@pytest.mark.parametrize("command", ["report", "alerts", "stats", "clean"])
def test_where_monitoring_is_off_a_command_says_what_to_write_where(command, choose):
    """Elementary's Python is not installed here, so the test proves too that nothing asks for it."""
    choose("none")
    with pytest.raises(DataopsError) as error:
        import_module(f"dataops.monitoring.{command}").main.main([], standalone_mode=False)
    assert error.value.exit_code == IMPOSSIBLE
    assert error.value.problem == monitoring.OFF
    assert 'write monitoring = "elementary" there' in error.value.remedy
    assert "Then: make setup" in error.value.remedy


@pytest.mark.parametrize("command", ["report", "alerts", "stats", "clean"])
def test_where_elementarys_command_line_is_missing_a_command_says_what_to_add(command, choose, installed, monkeypatch):
    choose("elementary")
    monkeypatch.setattr(elementary, "cli_version", lambda: None)
    with pytest.raises(DataopsError, match="Add elementary-data to the dependency group dev") as error:
        import_module(f"dataops.monitoring.{command}").main.main([], standalone_mode=False)
    assert error.value.exit_code == IMPOSSIBLE


def test_what_is_not_monitored_needs_neither_elementary_nor_duckdb(choose, monkeypatch):
    for name in ("duckdb", "elementary"):
        monkeypatch.setitem(sys.modules, name, None)  # importing it is an error now
    for name in [name for name in sys.modules if name.startswith("dataops.monitoring")]:
        monkeypatch.delitem(sys.modules, name)
    fresh = import_module("dataops.monitoring")
    monkeypatch.setattr(fresh, "settings", Settings)
    off = fresh.monitor()
    assert off.preparation("prod", "build", []) == ([], [])
    assert off.make_usable("prod") is None
    assert off.replace_missing(["elementary"], "The hub is down.") is None
    assert (off.tools, off.setup_problem(), off.is_on("prod")) == ((), None, False)
    with pytest.raises(ModuleNotFoundError):
        import_module("dataops.monitoring.history")


def test_the_setting_chooses_the_monitor(choose):
    choose("none")
    assert type(monitor()) is NoMonitor
    choose("elementary")
    assert type(monitor()) is ElementaryMonitor


def test_where_it_is_switched_off_dbt_sees_the_stub_of_an_installed_elementary(installed):
    variables = NoMonitor().environment("prod", every_package=False)
    assert variables["ELEMENTARY_ENABLED"] == "false"
    seen = Path(variables["DATAOPS_PACKAGES_FOLDER"])
    assert yaml.safe_load((seen / "elementary/dbt_project.yml").read_text())["version"] == stub.VERSION
    assert "test volume_anomalies(model)" in (seen / "elementary/macros/tests.sql").read_text()
    assert (seen / "dataops").resolve() == installed / "dataops"
    every = NoMonitor().environment("prod", every_package=True)["DATAOPS_PACKAGES_FOLDER"]
    assert Path(every).resolve() == installed, "dbt deps must not install into the links"


def test_monitored_runs_see_elementary_and_others_its_stub(installed, monkeypatch):
    def seen(target: str) -> bool:
        folder = ElementaryMonitor().environment(target, every_package=False)["DATAOPS_PACKAGES_FOLDER"]
        return Path(folder).resolve() == installed

    monkeypatch.delenv("ELEMENTARY_ENABLED", raising=False)
    assert (seen("prod"), seen("dev")) == (True, False)
    monkeypatch.setenv("ELEMENTARY_ENABLED", "true")
    assert seen("dev")


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
    monkeypatch.delenv("ELEMENTARY_ENABLED", raising=False)
    monkeypatch.setattr(elementary, "cli_version", lambda: "0.25.1")
    monkeypatch.setattr(elementary, "tables_version", lambda target: None)
    monkeypatch.chdir(TEMPLATE)  # dbt looks for profiles.yml
    given = read_command(arguments)
    command, options = ElementaryMonitor().preparation("prod", given.name, given.select)
    assert bool(command) is first
    assert bool(options) is more
    assert ElementaryMonitor().preparation("dev", given.name, given.select) == ([], [])


def test_a_stub_replaces_elementary_alone(installed):
    assert ElementaryMonitor().replace_missing(["elementary", "dbt_utils"], "The hub is down.") is None
    assert stub.has_package()
    summary = ElementaryMonitor().replace_missing(["elementary"], "The hub is down.")
    assert summary.startswith("monitoring is off.\n    The hub is down. Elementary's dbt package is not installed")
    assert not stub.has_package()


@pytest.mark.parametrize(
    ("kind", "webhook", "text"),
    [
        ("none", None, "Alerts go nowhere: the setting alerts is 'none'"),
        ("slack", None, "ALERTS_WEBHOOK is not set. It is the address that slack gives you"),
        ("teams", "example.com", "ALERTS_WEBHOOK is not an address"),
        ("teams", "https://example.com/hook", None),
    ],
)
def test_alerts_need_a_destination(kind, webhook, text, monkeypatch):
    alerts = import_module("dataops.monitoring.alerts")
    monkeypatch.delenv("ALERTS_WEBHOOK", raising=False)
    if webhook:
        monkeypatch.setenv("ALERTS_WEBHOOK", webhook)
    if not text:
        assert alerts.webhook_of(kind) == webhook
        return
    with pytest.raises(DataopsError, match=text) as error:
        alerts.webhook_of(kind)
    assert error.value.exit_code == IMPOSSIBLE
