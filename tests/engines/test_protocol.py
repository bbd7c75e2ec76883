"""What every engine does alike: sessions and their errors, data, versions of prod. The same tests run on DuckDB and on SQLite."""

from __future__ import annotations

import pytest

from dataops.engines import CannotOpen, Data, Engine, EngineError, ViewFails
from dataops.project import Project
from dataops.versions import DRY_RUN, CannotRelease, Version, Versions, write_facts
from tests.engines.kits import Kit, filled, row_count, write

ORDERS = "select cast(1 as integer) as id, cast('Ada' as varchar) as name"
LARGEST = "select cast(-9223372036854775807 as bigint) - 1 as id"
ROWS = {"table marts.orders": ORDERS, "view marts.shown": "select * from {marts.orders}"}
DAY = "2026-11-24"


@pytest.fixture
def dev(kit, project, engine) -> Data:
    """The warehouse of dev, with a table and a view of it."""
    data = engine.environment(project.dev)
    kit.create(data)
    write(kit, data, ROWS)
    return data


# Sessions


def test_a_session_runs_statements_and_reads_rows(engine, dev):
    assert dev.relations() == {("marts", "orders"): "table", ("marts", "shown"): "view"}
    with dev.open() as session:
        assert session.rows(filled(session, "select id, name from {marts.shown}")) == [(1, "Ada")]
        assert session.row(filled(session, "select name from {marts.orders} where id = ?"), [1]) == ("Ada",)
        assert session.row(filled(session, "select name from {marts.orders} where id = $id"), {"id": 2}) == ()
    with dev.open(read_only=False) as session:
        session.run(filled(session, "insert into {marts.orders} values (?, ?)"), [2, "Bob"])
    assert row_count(dev, "marts.orders") == 2


def test_a_session_to_read_writes_nothing(dev):
    with dev.open() as session, pytest.raises(EngineError):
        session.run(filled(session, "delete from {marts.orders}"))
    assert row_count(dev, "marts.orders") == 1


def test_names_without_a_schema_are_looked_up_in_the_one_that_is_used(dev):
    with dev.open() as session:
        session.use("marts")
        assert session.rows("select name from orders union all select name from shown") == [("Ada",), ("Ada",)]
        with pytest.raises(EngineError) as error:
            session.use("nothing")
        assert error.value.only_names


def test_an_error_about_names_says_which(dev):
    with dev.open() as session, pytest.raises(EngineError) as error:
        session.rows(filled(session, "select * from {marts.nothing}"))
    assert error.value.only_names
    assert "nothing" in error.value.problem


def test_an_error_about_values_shows_none(kit, engine, dev):
    with dev.open() as session, pytest.raises(EngineError) as error:
        session.rows(kit.quotes_value)
    assert not error.value.only_names
    assert "Ada" in error.value.text
    assert error.value.problem == f"{engine.name} stopped with {error.value.kind}."


# Data


def test_data_that_is_missing_can_be_written_and_not_read(project, engine):
    data = engine.environment(project.dev)
    assert not data.exists()
    assert data.wait() is None
    assert data.wait(to_write=True) is None
    with pytest.raises(CannotOpen, match="missing"):
        data.open()


def test_data_that_is_damaged_cannot_be_opened(kit, dev):
    assert dev.wait() is None
    kit.damage(dev)
    assert dev.wait().startswith(f"{dev.shown} cannot be opened: ")
    with pytest.raises(CannotOpen, match="cannot be opened"):
        dev.open()


def test_each_environment_has_data_of_its_own(kit, project, engine, dev):
    ci = engine.environment(project.ci)
    kit.create(ci)
    assert dev.is_same(engine.environment(project.dev))
    assert not dev.is_same(ci)
    assert engine.prepare(project.ci) is None
    assert not dev.is_same(engine.monitoring(project.dev))


def test_data_is_found_by_a_name_too(kit, project, engine, dev):
    (name,) = {"DuckDB": ["warehouse/development/it.duckdb"]}.get(engine.name, ["warehouse/development"])
    assert engine.named(name).is_same(dev)
    assert engine.named("nothing") is None


def test_relations_are_dropped(engine, dev):
    engine.drop(dev, {("marts", "shown"): "view", ("marts", "orders"): "table"})
    assert dev.relations() == {}


def test_everything_is_read_and_a_view_that_fails_is_found(kit, engine, dev):
    assert engine.read_everything(dev) == 1
    assert engine.views_reading_outside(dev) == {}
    write(kit, dev, {"table marts.largest": LARGEST, "view marts.failing": "select abs(id) as id from {marts.largest}"})
    with pytest.raises(ViewFails) as error:
        engine.read_everything(dev)
    assert "failing" in error.value.problem
    assert "922" not in error.value.problem


def test_a_workspace_reads_both_and_tells_views_from_tables(kit, project, engine, dev):
    ci = engine.environment(project.ci)
    kit.create(ci)
    write(kit, ci, ROWS | {"table marts.orders": f"{ORDERS} union all {ORDERS}"})
    with engine.workspace(dev, ci) as space:
        for data, rows in ((dev, 1), (ci, 2)):
            for name, kind in (("orders", "table"), ("shown", "view")):
                address = space.address(data, "marts", name, kind)
                assert space.session.row(f"select count(*) from {address}") == (rows,), "its own rows, in views too"
            assert not space.is_view(space.address(data, "marts", "orders", "table"))
        assert space.is_view(space.address(dev, "marts", "shown", "view"))


def test_a_workspace_of_damaged_data_is_refused(kit, project, engine, dev):
    ci = engine.environment(project.ci)
    kit.create(ci)
    write(kit, ci, ROWS)
    kit.damage(ci)
    with pytest.raises(CannotOpen) as error:
        engine.workspace(dev, ci)
    assert error.value.problem.startswith(f"{ci.shown} cannot be opened")


def test_removed_data_is_gone_and_may_be_removed_again(engine, dev):
    for _ in range(2):
        engine.remove(dev)
        assert not dev.exists()


# Monitoring


def test_a_copy_of_monitoring_data_is_independent_of_it(kit, project, engine, tmp_path):
    data = engine.monitoring(project.dev)
    assert engine.damage(data) is None, "there is nothing yet"
    kit.create(data)
    write(kit, data, ROWS)
    assert engine.damage(data) is None
    copy = engine.copy_into(data, tmp_path)
    assert engine.monitoring_variables(copy).keys() == engine.monitoring_variables(data).keys()
    assert engine.monitoring_variables(copy) != engine.monitoring_variables(data)
    write(kit, data, {"table marts.later": ORDERS})
    assert ("marts", "later") not in copy.relations()
    assert row_count(copy, "marts.orders") == 1


# Versions of prod


def build(kit: Kit, versions: Versions, orders: int, id: str, **facts) -> Version:
    """A finished candidate with that many orders, made from prod's version if there is one."""
    engine, before, folder = versions.engine, versions.current(), versions.candidate
    folder.mkdir(parents=True)
    data = engine.version(folder)
    if before:
        assert engine.start_candidate(before.folder, before.facts, folder).size > 0
        engine.drop(data, data.relations())
    else:
        engine.create_empty(folder)
    select = " union all ".join([ORDERS] * orders)
    write(kit, data, ROWS | {"table marts.orders": select})
    engine.finish(folder)
    made = {"id": id, "outcome": "published", "reasons": [], "base": before and before.id}
    write_facts(folder, made | engine.state(folder) | facts)
    return versions.version(folder)


def release(kit: Kit, versions: Versions, number: int) -> Version:
    """A new version of prod with as many orders as its number."""
    id, before = f"{number:04d}-{DAY}", versions.current()
    version = versions.admit(build(kit, versions, number, id).folder, id)
    versions.publish(version)
    versions.record("release", version, before, "ada")
    return version


def orders_in_prod(project: Project, engine: Engine) -> int:
    return row_count(engine.environment(project.prod), "marts.orders")


def test_a_candidate_becomes_prod_at_once_and_readers_keep_what_they_opened(kit, project, engine):
    versions = Versions(project)
    assert versions.current() is None
    first = release(kit, versions, 1)
    assert (versions.current(), first.problem) == (first, None)
    assert engine.environment(project.prod).is_same(first.data)
    with engine.environment(project.prod).open() as reader:
        second = release(kit, versions, 2)
        assert reader.row(filled(reader, "select count(*) from {marts.orders}")) == (1,)
    assert [version.id for version in versions.kept()] == [second.id, first.id]
    assert orders_in_prod(project, engine) == 2
    assert row_count(first.data, "marts.orders") == 1, "the version before is as it was"


def test_a_rollback_publishes_an_earlier_version(kit, project, engine):
    versions = Versions(project)
    first, second = release(kit, versions, 1), release(kit, versions, 2)
    assert versions.publish(first) >= 0
    assert versions.current() == first
    assert orders_in_prod(project, engine) == 1
    assert second.problem is None


def test_while_a_release_builds_prod_means_the_candidate(kit, project, engine):
    versions = Versions(project)
    release(kit, versions, 1)
    candidate = build(kit, versions, 3, f"0002-{DAY}")
    building = project.as_candidate(candidate.id)
    assert type(engine)(building).environment(building.prod).is_same(candidate.data)
    assert row_count(candidate.data, "marts.orders") == 3
    assert orders_in_prod(project, engine) == 1


def test_a_stopped_candidate_is_set_aside_and_can_be_resumed(kit, project, engine):
    versions = Versions(project)
    release(kit, versions, 1)
    stopped = versions.set_aside(build(kit, versions, 2, f"0002-{DAY}").folder, f"0002-{DAY}")
    assert not engine.version(versions.candidate).exists()
    assert (versions.stopped(), stopped.problem) == ([stopped], None)
    assert row_count(stopped.data, "marts.orders") == 2
    versions.resume(stopped.id)
    data = engine.version(versions.candidate)
    write(kit, data, {"table marts.more": ORDERS})
    assert row_count(data, "marts.more") == 1
    assert not stopped.data.exists()


def test_what_is_removed_leaves_no_data(kit, project, engine):
    versions = Versions(project)
    first, second = release(kit, versions, 1), release(kit, versions, 2)
    versions.remove(first)
    assert not first.data.exists()
    assert not engine.version(versions.folder / "removed" / first.id).exists()
    assert versions.kept() == [second]
    build(kit, versions, 3, DRY_RUN, dry_run=True)
    versions.set_aside(versions.candidate, DRY_RUN)
    assert row_count(versions.dry_run().data, "marts.orders") == 3
    versions.candidate.mkdir()
    engine.create_empty(versions.candidate)
    versions.discard_candidate()
    assert not engine.version(versions.candidate).exists()


def test_a_removal_that_was_killed_is_finished_later(kit, project, engine):
    versions = Versions(project)
    first = release(kit, versions, 1)
    release(kit, versions, 2)
    left = versions._move(first.folder, versions.folder / "removed" / first.id)
    assert left.data.exists()
    versions.empty_bin()
    assert not left.data.exists()
    assert not left.folder.exists()


def test_a_version_that_was_damaged_or_lost_is_noticed(kit, project, engine):
    versions = Versions(project)
    first, second = release(kit, versions, 1), release(kit, versions, 2)
    kit.damage(second.data)
    assert second.problem == "its data is damaged"
    with pytest.raises(CannotRelease) as error:
        versions.require_prod()
    assert error.value.problem == f"{second.id} is prod, and its data is damaged."
    assert error.value.remedy == "Go back to a version that is whole: make rollback TO=1"
    with pytest.raises(CannotRelease, match="cannot be opened"):
        second.open()
    kit.lose(first.data)
    assert first.problem == "its data is missing"
    with pytest.raises(CannotRelease, match="holds no data"):
        first.open()


def test_a_pointer_that_is_lost_is_named_with_the_version_to_go_back_to(kit, project, engine):
    versions = Versions(project)
    release(kit, versions, 1)
    kit.lose_pointer(project.prod)
    with pytest.raises(CannotRelease) as error:
        versions.current()
    assert "is missing, so nothing says which version is prod" in error.value.problem
    assert error.value.remedy == f"Type: make rollback TO=0001-{DAY}"


def test_the_version_of_the_engine_is_a_hint(engine):
    hint = engine.made_with("0001", {"tools": {"duckdb": "0.9", "sqlite": "3.1"}})
    assert hint.startswith("0001 was made with ")
    assert "; installed is " in hint


# CI


def test_a_new_environment_gets_views_and_copies_of_prod(kit, project, engine):
    prod, target = engine.version(project.path("prod_copy")), engine.environment(project.ci)
    prod_folder = project.path("prod_copy")
    prod_folder.mkdir()
    engine.create_empty(prod_folder)
    write(kit, prod, ROWS)
    with prod.open(read_only=False) as session:
        session.run(f"create table {session.address('marts', 'strict')} (id integer not null)")
        session.run(f"insert into {session.address('marts', 'strict')} values (7)")
    engine.prepare(project.ci)
    views = {("ci", "orders"): ("marts", "orders"), ("ci", "none"): ("marts", "nothing")}
    tables = {("ci", "strict"): ("marts", "strict"), ("ci", "lost"): ("marts", "lost")}
    engine.carry_over(prod, target, views, tables)
    assert target.relations() == {("ci", "orders"): "view", ("ci", "strict"): "table"}
    assert row_count(target, "ci.strict") == 1
    with target.open(read_only=False) as session, pytest.raises(EngineError):
        session.run(f"insert into {session.address('ci', 'strict')} values (null)")
