"""What a release adds to a plain build, part by part; the swap; the copy against `cp`; and a release of a large warehouse."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

from tests.benchmarks.measure import MeasurementFailed, Result, alternate, command, ratios
from tests.benchmarks.slim_ci import commit
from tests.benchmarks.workshop import Workshop
from tests.helpers import Done

SWAP = re.compile(r"swapped in ([\d.]+) ms")
PARTS = ("candidate", "build and test", "audit", "crosscheck", "docs", "publish")
LARGE = 5_000  # MB
MEMORY_LIMIT = "500MB"
# Eight columns of hashes, which no engine can make smaller: 64 bytes a row. Each release adds a few rows.
LARGE_MODEL = """{{{{ config(materialized='incremental') }}}}

select
    {columns}
from range({{% if is_incremental() %}} 1000 {{% else %}} {rows} {{% endif %}}) as numbers(i)
"""
HERE = Path(__file__).parent


def released(project: Path, **environment: str) -> tuple[str, dict[str, float], float]:
    """Releases what is committed, and returns what was printed, the seconds of each part and the peak memory in MB."""
    release = (project / ".venv/bin/dataops", "release", "--accept", "a benchmark")
    done = command(sys.executable, HERE / "peak_memory.py", *release, cwd=project, **environment)
    facts = json.loads((project / "warehouse/prod/current/release.json").read_text(encoding="utf-8"))
    seconds = facts["seconds"] | {"publish": _seconds_of_publish(done.output)}
    peak = int(re.search(r"^peak (\d+)$", done.output, re.MULTILINE)[1]) * 1024 / 1e6
    return done.output, seconds, peak


def _seconds_of_publish(output: str) -> float:
    return float(re.search(r"│ publish .* ([\d.]+) │$", output, re.MULTILINE)[1])


def measure_copy(workshop: Workshop, project: Path) -> Result:
    """The copy that a release starts with against `cp` of the same file, with no shared blocks, as on most file systems."""
    place = workshop.space("copied")
    file = (project / "warehouse/prod/current/prod.duckdb").resolve()

    def anew() -> None:
        (place / file.name).unlink(missing_ok=True)
        os.sync()  # what was written before must not be written during it

    def copy() -> Done:
        anew()
        output = command(project / ".venv/bin/python", HERE / "copy_of_prod.py", place, cwd=project).output
        return Done(0, "", float(output.splitlines()[-1]))

    def cp() -> Done:
        anew()
        return command("cp", "--reflink=never", file, place / file.name, cwd=place)

    ours, plain = alternate({"the copy of a release": copy, "cp": cp}, workshop.runs, workshop.show).values()
    return Result("  the copy / cp", ratios(ours, plain), "times")


def measure_sample(workshop: Workshop) -> list[Result]:
    """A release of the sample against `dbt build` of it, both without monitoring."""
    project = workshop.new_project("released", monitoring="none")
    command("make", "setup", cwd=project)
    commit(project, "feat: start the project")
    workshop.show("preparing: a first version")
    released(project)
    releases, plain, swaps = [], [], []
    dbt = project / ".venv" / "bin" / "dbt"
    settings = {"DBT_TARGET": "prod", "DBT_TARGET_PATH": "target/plain", "DATAOPS_CANDIDATE": "true"}
    threads = {"DBT_THREADS": str(os.cpu_count() or 4)}
    for number in range(workshop.runs + 1):
        output, seconds, _ = released(project)
        candidate = project / "warehouse/prod/candidate"
        candidate.mkdir()
        shutil.copyfile(project / "warehouse/prod/current/prod.duckdb", candidate / "prod.duckdb")
        built = command(dbt, "build", cwd=project, **settings, **threads).seconds
        shutil.rmtree(candidate)
        if number:  # the first ones parse
            releases.append(seconds)
            plain.append(built)
            swaps.append(float(SWAP.search(output)[1]))
        workshop.show(
            f"release {sum(seconds.values()):.1f} s, dbt build {built:.1f} s (run {number} of {workshop.runs})"
        )
    added = tuple(sum(seconds[part] for part in PARTS if part != "build and test") for seconds in releases)
    return [
        Result("dbt build of the sample, the whole command", tuple(plain)),
        *(Result(f"release: {part}", tuple(seconds[part] for seconds in releases)) for part in PARTS),
        Result("what a release adds to its build", added),
        Result("the swap", tuple(swaps), "ms", target=50),
    ]


def measure_large(workshop: Workshop) -> list[Result]:
    """A release of a warehouse of 5 GB, with little memory."""
    project = workshop.new_project("large_release", example="no", monitoring="none")
    (project / ".venv").symlink_to(workshop.ready_project / ".venv")
    command(project / ".venv/bin/dataops", "setup", cwd=project)
    columns = ",\n    ".join(f"hash(numbers.i, {number}) as column_{number}" for number in range(8))
    text = LARGE_MODEL.format(columns=columns, rows=int(LARGE * 1e6 / 64))
    (project / "models/staging/large.sql").write_text(text, encoding="utf-8")
    commit(project, "feat: a large table")
    workshop.show(f"preparing: a warehouse of {LARGE} MB")
    limit = {"DUCKDB_MEMORY_LIMIT": MEMORY_LIMIT}
    released(project, **limit)
    file = project / "warehouse/prod/current/prod.duckdb"
    size = file.stat().st_size / 1e6
    if size < LARGE * 0.9:
        raise MeasurementFailed(f"the warehouse has {size:.0f} MB, not {LARGE}")
    workshop.show("a release of it")
    os.sync()
    _, seconds, peak = released(project, **limit)
    return [
        Result("size of the large warehouse", (size,), "MB"),
        *(Result(f"release of it: {part}", (seconds[part],)) for part in PARTS),
        measure_copy(workshop, project),
        Result(f"peak memory, DUCKDB_MEMORY_LIMIT={MEMORY_LIMIT}", (peak,), "MB", target=1000),
    ]


def measure(workshop: Workshop) -> list[Result]:
    """What a release adds, the swap, and a large warehouse."""
    return measure_sample(workshop) + measure_large(workshop)
