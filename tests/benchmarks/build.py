"""Build: `make build` against plain `dbt build` of the same models, seeds, snapshots and tests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.benchmarks.bare_project import make_bare_project
from tests.benchmarks.measure import MeasurementFailed, Result, alternate, command, ratios, seconds
from tests.benchmarks.workshop import Workshop
from tests.helpers import Done, copy_project


def built_nodes(run_results: Path) -> set[str]:
    """The ids of the nodes that a build ran, without the operations that a hook adds."""
    results = json.loads(run_results.read_text(encoding="utf-8"))["results"]
    return {result["unique_id"] for result in results if not result["unique_id"].startswith("operation.")}


def forget(project: Path) -> None:
    """Removes the parse cache and the warehouse."""
    shutil.rmtree(project / "target", ignore_errors=True)
    for file in project.rglob("*.duckdb*"):
        file.unlink()


def check_same_nodes(ours: set[str], plain: set[str]) -> None:
    """Raises MeasurementFailed unless both sides built as many nodes."""
    if len(ours) != len(plain):
        different = "\n".join(sorted(ours ^ plain))
        raise MeasurementFailed(
            f"make build built {len(ours)} nodes, plain dbt build {len(plain)}: the times cannot be compared.\n{different}"
        )


def measure(workshop: Workshop) -> list[Result]:
    """Seconds of a build on both sides and their ratio: with what an earlier build left, and from nothing."""
    project = copy_project(workshop.ready_project, workshop.space("build"))
    bare = workshop.space("bare_project")
    make_bare_project(project, bare)
    dbt = workshop.ready_project / ".venv" / "bin" / "dbt"

    def build(cold: bool) -> Done:
        if cold:
            forget(project)
        return command("make", "build", cwd=project)

    def build_bare(cold: bool) -> Done:
        if cold:
            forget(bare)
        return command(dbt, "build", cwd=bare)

    warm = {"make build": lambda: build(False), "plain dbt build": lambda: build_bare(False)}
    ours, plain = alternate(warm, workshop.runs, workshop.show).values()
    nodes = built_nodes(project / "target" / "dev" / "run_results.json")
    check_same_nodes(nodes, built_nodes(bare / "target" / "run_results.json"))
    cold = {"make build, cold": lambda: build(True), "plain dbt build, cold": lambda: build_bare(True)}
    ours_cold, plain_cold = alternate(cold, workshop.runs, workshop.show, warm_up=False).values()
    return [
        Result(f"make build, {len(nodes)} nodes", seconds(ours)),
        Result("plain dbt build of the same nodes", seconds(plain)),
        Result("make build / plain dbt build", ratios(ours, plain), "times", target=1.1),
        Result("make build, cold: no parse cache, no warehouse", seconds(ours_cold)),
        Result("plain dbt build, cold", seconds(plain_cold)),
        Result("make build / plain dbt build, cold", ratios(ours_cold, plain_cold), "times", target=1.1),
    ]
