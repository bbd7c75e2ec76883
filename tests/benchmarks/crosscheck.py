"""Crosscheck: two tables of ten million rows and ten columns, against plain SQL, and against other tools that are there.

Other tools are measured where the environment variable CROSSCHECK_RIVALS names the Python of an environment that has them
(`pip install recce datacompy pyarrow duckdb`); each in its own process, all with two threads.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import duckdb

from tests.benchmarks.measure import MeasurementFailed, Result, alternate, checked, ratios, seconds
from tests.benchmarks.workshop import Workshop
from tests.helpers import Done, run

ROWS = 10_000_000
COLUMNS = {
    "id": "i",
    "customer_id": "i * 7919 % 1000003",
    "amount": "cast(hash(i) % 100000 as decimal(18, 2)) / 100",
    "name": "case when i % 10 = 0 then null else 'name ' || (i % 5003) end",
    "status": "case i % 3 when 0 then 'placed' when 1 then 'completed' else 'cancelled' end",
    "ordered_at": "timestamp '2026-01-01' + to_seconds(i)",
    "ordered_on": "date '2026-01-01' + cast(i % 365 as integer)",
    "is_first": "i % 2 = 0",
    "quantity": "cast(i % 97 as integer)",
    "score": "cast(i as double) / 2",
}
CHANGED = "case when i % 1000 = 7 then -1 else cast(i as double) / 2 end"  # 0.1 % of the rows

# What one process measures: it prints its seconds and the most memory that it had (MB), and checks that it found what is there.
START = """
import json, resource, sys, time
import duckdb
connection = duckdb.connect()
connection.execute("set threads = 2; set preserve_insertion_order = false")
for name in ("base", "head"):
    connection.execute(f"attach '{sys.argv[1]}/{sys.argv[2] if name == 'head' else name}.duckdb' as {name} (read_only)")
expected = int(sys.argv[3])
start = time.perf_counter()
"""
END = """
taken = time.perf_counter() - start
assert found == expected, f"found {found} changed rows, there are {expected}"
print(json.dumps([taken, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""
HASH = f"hash({', '.join(COLUMNS)})"
HASH_PASS = f"""
sums = {{connection.execute(f"select sum({HASH}) from {{side}}.main.t").fetchone() for side in ("base", "head")}}
found = expected if (len(sums) == 1) == (expected == 0) else None
"""
HASH_JOIN = f"""
(found,) = connection.execute(
    "select count(*) from (select id, {HASH} as row_hash from base.main.t) as b"
    " full join (select id, {HASH} as row_hash from head.main.t) as h on b.id = h.id"
    " where b.row_hash is distinct from h.row_hash"
).fetchone()
"""
OURS = """
from dataops.crosscheck.compare import Comparer
from dataops.engines.duckdb.dialect import DuckDBDialect
from dataops.engines.duckdb.files import DuckDBSession
session, dialect = DuckDBSession(connection), DuckDBDialect()
start = time.perf_counter()
found = Comparer(session, dialect, "base.main.t", "head.main.t", KEY).compare()
found = found.rows_changed if KEY else found.rows_added
"""
RIVALS = {
    "datacompy": """
from datacompy import PandasCompare
frames = [connection.execute(f"from {side}.main.t").df() for side in ("base", "head")]
compare = PandasCompare(*frames, join_columns="id")
found = int((~compare.intersect_rows[[c for c in compare.intersect_rows if c.endswith("_match")]].all(axis=1)).sum())
""",
    # Recce needs a dbt project that reaches both sides through one connection: two views of one model.
    "recce": """
import os, pathlib, shutil, subprocess
project = pathlib.Path(sys.argv[1], "recce")
shutil.rmtree(project, ignore_errors=True)
(project / "models").mkdir(parents=True)
(project / "dbt_project.yml").write_text("name: rival\\nversion: 0.1.0\\nprofile: rival\\nflags: {send_anonymous_usage_stats: false}\\n")
(project / "models" / "t.sql").write_text("select * from {{ target.name }}.main.t")
attached = [{"path": f"{sys.argv[1]}/{sys.argv[2] if name == 'head' else name}.duckdb", "alias": name, "read_only": True} for name in ("base", "head")]
sides = {name: {"type": "duckdb", "path": "rival.duckdb", "schema": f"{name}_side", "threads": 2, "attach": attached} for name in ("base", "head")}
(project / "profiles.yml").write_text(json.dumps({"rival": {"target": "head", "outputs": sides}}))
os.chdir(project)
dbt = pathlib.Path(sys.executable).with_name("dbt")
for name, folder in (("base", "target-base"), ("head", "target")):
    for command in (["run"], ["docs", "generate"]):
        subprocess.run([dbt, "--quiet", *command, "--target", name, "--target-path", folder], check=True, stdout=subprocess.DEVNULL)
from recce.core import load_context
from recce.tasks.valuediff import ValueDiffTask
load_context(target_base_path="target-base", target_path="target", target="head")
start = time.perf_counter()
matched = ValueDiffTask({"model": "t", "primary_key": "id"}).execute()
found = int(max(matched.summary.total - row[1] for row in matched.data.data))
""",
}


def make_tables(folder: Path) -> None:
    """The yardstick, a table that is the same, and one in which one value of a thousand rows is another."""
    for name, columns in (("base", COLUMNS), ("same", COLUMNS), ("changed", COLUMNS | {"score": CHANGED})):
        selected = ", ".join(f"{expression} as {column}" for column, expression in columns.items())
        with duckdb.connect(str(folder / f"{name}.duckdb")) as connection:
            connection.execute("set threads = 2")
            connection.execute(f"create table t as select {selected} from range({ROWS}) as numbers(i)")


def in_a_process(python: str, code: str, folder: Path, head: str) -> Done:
    """Runs one side; its seconds are those that it measured itself, and its output the MB that it needed."""
    expected = 0 if head == "same" else ROWS // 1000
    what = START.replace("expected =", f"COLUMNS = {list(COLUMNS)!r}\nexpected =") + code + END
    program = folder / "side.py"
    program.write_text(what, encoding="utf-8")
    done = run(python, program, folder, head, str(expected), cwd=folder, timeout=1800)
    checked(done, f"crosscheck, {head}")
    try:
        taken, memory = json.loads(done.output.splitlines()[-1])
    except (ValueError, IndexError) as error:
        raise MeasurementFailed(f"crosscheck, {head}: {done}") from error
    return Done(0, str(memory), taken)


def memory(measured: list[Done]) -> tuple[float, ...]:
    """The most memory of each run, in MB."""
    return tuple(float(done.output) for done in measured)


def measure(workshop: Workshop) -> list[Result]:
    """Seconds, ratios to plain SQL and memory of the comparison: the same, 0.1 % changed by key, and without a key."""
    folder = workshop.space("crosscheck")
    workshop.show(f"preparing: three tables of {ROWS:,} rows")
    make_tables(folder)

    def side(code: str, head: str, python: str = sys.executable):
        return lambda: in_a_process(python, code, folder, head)

    with_key, without_key = ("KEY = ['id']" + OURS), ("KEY = []" + OURS)
    same = {"crosscheck, same": side(with_key, "same"), "sum(hash(...)) of both": side(HASH_PASS, "same")}
    ours_same, plain_same = alternate(same, workshop.runs, workshop.show).values()
    changed = {"crosscheck, changed": side(with_key, "changed"), "hash join of both": side(HASH_JOIN, "changed")}
    ours_changed, plain_changed = alternate(changed, workshop.runs, workshop.show).values()
    (ours_keyless,) = alternate(
        {"crosscheck, no key": side(without_key, "changed")}, workshop.runs, workshop.show, warm_up=False
    ).values()
    results = [
        Result("crosscheck, the same", seconds(ours_same)),
        Result("one pass of sum(hash(...)) over both", seconds(plain_same)),
        Result("crosscheck / one pass", ratios(ours_same, plain_same), "times", target=1.3),
        Result("crosscheck, the same: most memory", memory(ours_same), "MB"),
        Result("crosscheck, 0.1 % changed", seconds(ours_changed)),
        Result("keyed hash join of both", seconds(plain_changed)),
        Result("crosscheck / hash join", ratios(ours_changed, plain_changed), "times", target=2.0),
        Result("crosscheck, 0.1 % changed: most memory", memory(ours_changed), "MB"),
        Result("crosscheck, 0.1 % changed, without a key", seconds(ours_keyless)),
        Result("crosscheck, without a key: most memory", memory(ours_keyless), "MB"),
    ]
    if python := os.environ.get("CROSSCHECK_RIVALS"):
        for name, code in RIVALS.items():
            (rival,) = alternate(
                {name: side(code, "changed", python)}, workshop.runs, workshop.show, warm_up=False
            ).values()
            results.append(Result(f"{name}, 0.1 % changed", seconds(rival)))
            results.append(Result(f"{name}: most memory", memory(rival), "MB"))
    else:
        workshop.show("recce and datacompy are not measured: CROSSCHECK_RIVALS names no Python that has them")
    return results
