"""Monitoring: what Elementary adds to a build in dev and in prod, and what its report costs.

Needs DBT_PACKAGES_DIR, a folder with the unpacked dbt packages elementary and dbt_utils.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import yaml

from tests.benchmarks.bare_project import write_yaml
from tests.benchmarks.lint import grow
from tests.benchmarks.measure import NotMeasured, Result, alternate, command, ratios, seconds
from tests.benchmarks.workshop import Workshop
from tests.helpers import Done, copy_project, in_candidate

MODELS, DAYS = 200, 90  # of the large project whose report is measured
MONITORING_FILE = Path("warehouse", "prod", "monitoring.duckdb")
CANDIDATE = {"DBT_TARGET": "prod", "DATAOPS_CANDIDATE": "true"}  # as make release builds
REPORT = Path("target", "report", "prod.html")
# Elementary's tables that get rows in every run, with their times and ids.
HISTORY = {
    "dbt_invocations": (("generated_at", "created_at", "run_started_at", "run_completed_at"), ("invocation_id",)),
    "dbt_run_results": (
        ("generated_at", "created_at", "execute_started_at", "execute_completed_at"),
        ("model_execution_id", "invocation_id"),
    ),
    "elementary_test_results": (("detected_at", "created_at"), ("id", "test_execution_id", "invocation_id")),
    "test_result_rows": (("detected_at", "created_at"), ("elementary_test_results_id",)),
}
# The one macro that dbt asks the quickstart's user for.
QUICKSTART_MACRO = """{% materialization test, default %}
    {{ return(elementary.materialization_test_default()) }}
{% endmaterialization %}
"""
# What a run spends its time on, by what a node of run_results.json is.
STEPS = ("Elementary's own models", "the monitors", "the project's own tests", "Elementary's hooks")


def packages_folder() -> str:
    """The folder of unpacked dbt packages."""
    folder = os.environ.get("DBT_PACKAGES_DIR")
    if not folder:
        raise NotMeasured(
            "It needs DBT_PACKAGES_DIR: a folder with the dbt packages elementary and dbt_utils, unpacked."
        )
    return folder


def quickstart(monitored: Path, folder: Path) -> Path:
    """A copy of a monitored project in which Elementary is set up as its quickstart says: one schema in dbt_project.yml."""
    project = copy_project(monitored, folder)
    settings = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    del settings["on-run-end"]
    settings["models"]["elementary"] = {"+schema": "elementary"}
    settings["vars"] = {name: value for name, value in settings["vars"].items() if "samples" not in name}
    write_yaml(project / "dbt_project.yml", settings)
    profiles = yaml.safe_load((project / "profiles.yml").read_text(encoding="utf-8"))
    for target in profiles["warehouse"]["outputs"].values():
        del target["attach"]
    write_yaml(project / "profiles.yml", profiles)
    (project / "macros" / "elementary.sql").write_text(QUICKSTART_MACRO, encoding="utf-8")
    (project / "macros" / "elementary.yml").unlink()
    shutil.rmtree(project / "target", ignore_errors=True)
    return project


def steps(project: Path) -> dict[str, float]:
    """The seconds that each kind of step of the last build in prod took, added up over its threads."""
    manifest = json.loads((project / "target/release/manifest.json").read_text(encoding="utf-8"))
    results = json.loads((project / "target/release/run_results.json").read_text(encoding="utf-8"))["results"]
    spent = dict.fromkeys(STEPS, 0.0)
    for result in results:
        name = result["unique_id"]
        node = manifest["nodes"].get(name) or {}
        if name.startswith("operation.elementary."):
            step = STEPS[3]
        elif name.startswith("model.elementary."):
            step = STEPS[0]
        elif (node.get("test_metadata") or {}).get("namespace") == "elementary":
            step = STEPS[1]
        elif name.startswith("test."):
            step = STEPS[2]
        else:
            continue
        spent[step] += result["execution_time"]
    return spent


def measure_dev(workshop: Workshop, monitored: Path, bare: Path) -> list[Result]:
    """A build in dev, where monitoring is off, against the same project without monitoring."""

    def build(project: Path, cold: bool) -> Callable[[], Done]:
        def measured() -> Done:
            if cold:
                shutil.rmtree(project / "target", ignore_errors=True)
            return command("make", "build", cwd=project)

        return measured

    results = []
    for cold, how in ((False, "parsed before"), (True, "parsed anew")):
        sides = {f"dev, {how}": build(monitored, cold), f"dev, {how}, monitoring=none": build(bare, cold)}
        ours, plain = alternate(sides, workshop.runs, workshop.show).values()
        results += [
            Result(f"make build in dev, {how}", seconds(ours)),
            Result("  with monitoring=none", seconds(plain)),
            Result(f"dev with / without monitoring, {how}", ratios(ours, plain), "times", target=1.1),
        ]
    return results


def measure_prod(workshop: Workshop, monitored: Path, bare: Path) -> list[Result]:
    """What monitoring adds to a build in prod, step by step, against the set-up of Elementary's quickstart."""
    plain_set_up = quickstart(monitored, workshop.space("quickstart"))
    spent: dict[str, list[dict[str, float]]] = {"ours": [], "quickstart": []}

    def build_ours() -> Done:
        done = command(*in_candidate("build"), cwd=monitored)
        spent["ours"].append(steps(monitored))
        return done

    def build_quickstart() -> Done:
        dbt = monitored / ".venv" / "bin" / "dbt"
        variables = CANDIDATE | {"DBT_TARGET_PATH": "target/release", "DBT_THREADS": str(os.cpu_count() or 4)}
        done = command(dbt, "build", cwd=plain_set_up, **variables)
        spent["quickstart"].append(steps(plain_set_up))
        return done

    sides = {
        "prod": build_ours,
        "prod, monitoring=none": lambda: command(*in_candidate("build"), cwd=bare),
        "prod, Elementary's quickstart": build_quickstart,
    }
    workshop.show("preparing: the first builds in prod, which make Elementary's tables")
    first = build_ours()
    build_quickstart()
    command(*in_candidate("build"), cwd=bare)
    for kept in spent.values():
        kept.clear()
    ours, none, quick = alternate(sides, workshop.runs, workshop.show).values()
    added = tuple(a.seconds - b.seconds for a, b in zip(ours, none, strict=True))
    added_by_quickstart = tuple(a.seconds - b.seconds for a, b in zip(quick, none, strict=True))
    share = tuple(a / b for a, b in zip(added, added_by_quickstart, strict=True))

    def step_results(side: str) -> list[Result]:
        runs = spent[side][-workshop.runs :]
        return [Result(f"    {step} (of all threads)", tuple(run[step] for run in runs)) for step in STEPS]

    return [
        Result("the first build in prod, which makes Elementary's tables", (first.seconds,)),
        Result("the build of a release", seconds(ours)),
        Result("  with monitoring=none", seconds(none)),
        Result("  Elementary's quickstart, dbt build", seconds(quick)),
        Result("monitoring adds", added),
        *step_results("ours"),
        Result("the quickstart adds", added_by_quickstart),
        *step_results("quickstart"),
        Result("what monitoring adds / what the quickstart adds", share, "times", target=0.7),
    ]


def repeat_history(file: Path, days: int) -> None:
    """Copies the last run in a monitoring file to each of the days before, under other ids."""
    with duckdb.connect(str(file)) as connection:
        connection.execute("use elementary")
        last = "select invocation_id from dbt_invocations where command = 'build' order by generated_at desc limit 1"
        (invocation,) = connection.execute(last).fetchone()
        results_of_last = f"(select id from elementary_test_results where invocation_id = '{invocation}')"
        for table, (times, identifiers) in HISTORY.items():
            earlier = [
                f"strftime(cast({name} as timestamp) - to_days(cast(day as integer)), '%Y-%m-%d %H:%M:%S') as {name}"
                for name in times
            ]
            others = [f"{name} || '-' || day as {name}" for name in identifiers]
            of_last = f"invocation_id = '{invocation}'"
            if table == "test_result_rows":
                of_last = f"elementary_test_results_id in {results_of_last}"
            connection.execute(
                f"insert into {table} select {table}.* replace ({', '.join(earlier + others)})"
                f" from {table}, range(1, {days}) as earlier (day) where {of_last}"
            )
        connection.execute("checkpoint")


def measure_report(workshop: Workshop, name: str, project: Path, runs: int) -> list[Result]:
    """Seconds of `make report`, and the size of its page and of the file it reads."""
    side = {f"report, {name}": lambda: command("make", "report", cwd=project)}
    (measured,) = alternate(side, runs, workshop.show, warm_up=False).values()
    return [
        Result(f"make report, {name}", seconds(measured)),
        Result("  size of the page", ((project / REPORT).stat().st_size / 1e6,), "MB"),
        Result("  size of the monitoring file", ((project / MONITORING_FILE).stat().st_size / 1e6,), "MB"),
    ]


def measure(workshop: Workshop) -> list[Result]:
    """What monitoring adds to builds in dev and prod, and the report of a small and of a large project."""
    folder = packages_folder()
    workshop.show("preparing: a monitored project and one with monitoring=none, make setup")
    monitored = workshop.new_project("monitored")
    command("make", "setup", cwd=monitored, DBT_PACKAGES_DIR=folder)
    bare = workshop.new_project("unmonitored", monitoring="none")
    command("make", "setup", cwd=bare)
    results = measure_dev(workshop, monitored, bare)
    results += measure_prod(workshop, monitored, bare)
    results += measure_report(workshop, "the sample", monitored, workshop.runs)
    workshop.show(f"preparing: {MODELS} models, {DAYS} days of history (one real build, copied to the days before)")
    large = copy_project(monitored, workshop.space("large"))
    grow(large, MODELS)
    command(*in_candidate("build"), cwd=large)
    repeat_history(large / MONITORING_FILE, DAYS)
    return results + measure_report(workshop, f"{MODELS} models, {DAYS} days of history", large, runs=1)
