"""Slim CI: a project of 1000 models, of which one staging model with three children changed, against a full build.

Each model works on some hundred thousand rows and keeps a thousand, so that the engine has something to do. The full build is the one of the
release that makes prod, measured once; it begins without anything that dbt read before. `make ci` begins with what CI keeps from the last run
on main (docs/ci.md of a project), and once more without.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from tests.benchmarks.measure import MeasurementFailed, Result, command
from tests.benchmarks.workshop import Workshop

STAGING, CHILDREN = 250, 3  # 250 staging models with three children each: 1000 models
ROWS = 300_000
MOST = 0.1  # of the full build's time
CACHE = "target/ci/partial_parse.msgpack"
PARSE, BUILD = "Parse the project", "Build and test what changed"
STEP = re.compile(r"^\| \S+ \| (?P<name>[^|]+) \| (?P<said>[^|]*) \| (?P<seconds>[\d.]+) s \|$", re.MULTILINE)

STAGING_MODEL = f"""{{{{ config(materialized='table') }}}}

select
    numbers.i % 997 as customer_id,
    count(*) as order_count,
    sum(numbers.i % 100 / 7) as amount,
    max(md5(cast(numbers.i as varchar))) as last_code
from range({ROWS}) as numbers(i)
group by numbers.i % 997
"""
CHILD_MODEL = f"""{{{{{{{{ config(contract={{{{'enforced': false}}}}) }}}}}}}}

select
    parent.customer_id,
    count(*) as day_count,
    sum(hash(parent.last_code, days.d) % 1000) as points
from {{{{{{{{ ref('{{parent}}') }}}}}}}} as parent
cross join range({ROWS // 1000}) as days(d)
group by parent.customer_id
"""


def write_models(project: Path) -> None:
    """Writes the models into a project without any."""
    for number in range(STAGING):
        parent = f"stg_shop__part_{number}"
        (project / f"models/staging/{parent}.sql").write_text(STAGING_MODEL, encoding="utf-8")
        for child in range(CHILDREN):
            text = CHILD_MODEL.format(parent=parent)
            (project / f"models/marts/part_{number}_{child}.sql").write_text(text, encoding="utf-8")


def commit(project: Path, message: str) -> None:
    """Commits everything."""
    command("git", "add", "--all", cwd=project)
    command("git", "commit", "--quiet", "--no-verify", "-m", message, cwd=project)


def steps_of(summary: Path) -> dict[str, float]:
    """Seconds of each step of `make ci`, as its summary has them.

    Raises:
        MeasurementFailed: it did not build what it should.
    """
    text = summary.read_text(encoding="utf-8")
    found = {match["name"]: match for match in STEP.finditer(text)}
    if len(found) != 4 or f"{1 + CHILDREN} built" not in found[BUILD]["said"]:
        raise MeasurementFailed(f"make ci did not build one model and its {CHILDREN} children:\n{text}")
    return {name: float(match["seconds"]) for name, match in found.items()}


def measure(workshop: Workshop) -> list[Result]:
    """Seconds of a full build, of slim CI's parts and its build against the full one."""
    project = workshop.new_project("slim_ci", project_slug="large_shop", example="no")
    (project / ".venv").symlink_to(workshop.ready_project / ".venv")
    shutil.copytree(workshop.ready_project / "dbt_packages", project / "dbt_packages", symlinks=True)
    write_models(project)
    commit(project, "feat: a thousand models")
    workshop.show(f"preparing: a release of {STAGING * (1 + CHILDREN)} models")
    command("make", "release", cwd=project)
    facts = json.loads((project / "warehouse/prod/current/release.json").read_text(encoding="utf-8"))
    full = facts["seconds"]["build and test"]
    workshop.show(f"full build: {full:.1f} s")
    command("make", "ci", "ARGS=--only-parse", cwd=project)  # what release.yml leaves for pull requests
    kept = (project / CACHE).read_bytes()
    changed = project / "models/staging/stg_shop__part_7.sql"
    changed.write_text(changed.read_text(encoding="utf-8") + "-- changed\n", encoding="utf-8")

    anew, runs, whole = [], [], []
    for number in range(workshop.runs):
        for cache, steps in ((None, anew), (kept, runs)):
            shutil.rmtree(project / "target", ignore_errors=True)
            if cache:
                (project / CACHE).parent.mkdir(parents=True)
                (project / CACHE).write_bytes(cache)
            seconds = command("make", "ci", cwd=project).seconds
            steps.append(steps_of(project / "target/ci/summary.md"))
        whole.append(seconds)
        workshop.show(f"make ci: {seconds:.1f} s (run {number + 1} of {workshop.runs})")

    def of(runs: list[dict[str, float]], name: str) -> tuple[float, ...]:
        return tuple(run[name] for run in runs)

    parse, build, parse_anew = of(runs, PARSE), of(runs, BUILD), of(anew, PARSE)
    return [
        Result(f"full build of {STAGING * (1 + CHILDREN)} models, parsed first", (full,)),
        Result("slim: dbt reads what changed since the last run", parse),
        Result(f"slim: one staging model and its {CHILDREN} children are built", build),
        Result("slim, both / full build", tuple(one / full for one in added(parse, build)), "times", MOST),
        Result("slim: dbt reads everything, nothing was kept", parse_anew),
        Result("  and builds / full build", tuple(one / full for one in added(parse_anew, build)), "times"),
        Result("make ci: everything without rows, and the docs", of(runs, "Build everything without rows")),
        Result("make ci: comparison with prod", of(runs, "Its data against prod's")),
        Result("make ci", tuple(whole)),
    ]


def added(*parts: tuple[float, ...]) -> tuple[float, ...]:
    """The sum of parts, run by run."""
    return tuple(map(sum, zip(*parts, strict=True)))
