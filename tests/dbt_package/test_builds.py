"""record_build: what it notes of each build."""

from __future__ import annotations

from tests.dbt_package.conftest import WITHOUT_DATA


def test_record_build(copy):
    """One row for each model, its last build: whole, empty, failed or stopped; what was not built keeps its row."""
    builds = (
        "select relation_name, state, recent_days, code_checksum, invocation_id from {}.dataops_builds order by all"
    )
    recorded = {name: rest for name, *rest in copy.sql(builds.format("main"), target="prod")}
    listed = copy.succeed("ls", "--output", "name", *WITHOUT_DATA).result
    elsewhere = {"monitored", "own_database"}  # In prod they are in databases of their own, which keep no record.
    assert set(recorded) == set(listed) - elsewhere
    assert {(state, days) for state, days, *_ in recorded.values()} == {("success", 0)}
    in_dev = builds.format("dev_ada")
    before = {name: rest for name, *rest in copy.sql(in_dev) if name not in elsewhere}
    assert {(state, days) for state, days, *_ in before.values()} == {("success", 3)}
    assert {name: rest[2] for name, rest in before.items()} == {name: rest[2] for name, rest in recorded.items()}
    assert len({rest[3] for rest in before.values()}) == 1

    for builds_nothing in (("compile",), ("docs", "generate"), ("test", "--select", "all_rows")):
        copy.succeed(*builds_nothing)
    assert {name: rest for name, *rest in copy.sql(in_dev) if name not in elsewhere} == before

    copy.succeed("run", "--empty", "--select", "all_rows")
    (copy.folder / "models/columns/try_cast.sql").write_text("select no_such_column")
    assert not copy.dbt("run", "--select", "try_cast").success
    after = {name: rest for name, *rest in copy.sql(in_dev) if name not in elsewhere}
    assert {name: rest[0] for name, rest in after.items() if rest != before[name]} == {
        "all_rows": "empty",
        "try_cast": "error",
    }
    assert after["try_cast"][2] != before["try_cast"][2], "another code"
