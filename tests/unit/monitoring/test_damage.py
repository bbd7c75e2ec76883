"""A damaged monitoring file is set aside and blocks nothing; one that is locked or of a newer DuckDB is left where it is."""

from __future__ import annotations

import multiprocessing
import os
import re
import struct
from pathlib import Path

import duckdb
import pytest

from dataops.engines import CannotOpen
from dataops.engines.duckdb import DuckDB, files
from dataops.engines.duckdb import monitoring as duckdb_monitoring
from dataops.monitoring import damage
from tests.helpers import project_at
from tests.holder import holding

BLOCK, HEADERS = 262_144, 3 * 4096  # of a DuckDB file, in bytes
ROWS = 200_000


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """A file of several blocks, with a schema and tables."""
    file = tmp_path_factory.mktemp("whole") / "monitoring.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema elementary")
        connection.execute(f"create table elementary.results as select hash(range) as number from range({ROWS})")
    return file.read_bytes()


@pytest.fixture
def file(whole, tmp_path) -> Path:
    file = tmp_path / "monitoring.duckdb"
    file.write_bytes(whole)
    return file


def make_usable(file: Path) -> str | None:
    """What a monitored run does first."""
    engine = DuckDB(project_at(file.parent))
    return damage.make_usable(engine, engine._data(file))


def damaged_block(content: bytes, number: int) -> bytes:
    start = HEADERS + number * BLOCK + 5000
    return content[:start] + b"\xaa" * 300 + content[start + 300 :]


DAMAGES = {
    "zero bytes": lambda content: b"",
    "a text file": lambda content: b"This was a database.\n" * 500,
    "no magic bytes": lambda content: content[:8] + b"XXXX" + content[12:],
    "a damaged header": lambda content: content[:60] + b"\xff" + content[61:],
    "a damaged second header": lambda content: content[:4096] + b"\xff" * 8192 + content[12288:],
    "half of it": lambda content: content[: len(content) // 2],
    "its last bytes gone": lambda content: content[:-100],
    "nothing but headers": lambda content: content[:5000],
    "a damaged block of a table": lambda content: damaged_block(content, 2),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_set_aside_and_never_deleted(file, whole, name, capsys):
    content = DAMAGES[name](whole)
    file.write_bytes(content)
    assert make_usable(file) is None
    (kept,) = file.parent.iterdir()
    assert re.fullmatch(r"monitoring\.damaged-\d{4}-\d\d-\d\dT\d{6}\.\d{6}\.duckdb", kept.name)
    assert kept.read_bytes() == content
    said = capsys.readouterr().err
    assert "monitoring.duckdb is damaged: " in said
    assert "The history of monitoring starts again." in said
    assert said.count("\n") == 1, said
    with duckdb.connect(str(file)) as connection:  # and it can start again
        connection.execute("create table results as select 1")


def test_a_whole_file_stays_and_is_read_to_its_end(file, whole, capsys):
    assert make_usable(file) is None
    assert make_usable(file.with_name("missing.duckdb")) is None
    assert [path.name for path in file.parent.iterdir()] == ["monitoring.duckdb"]
    assert file.read_bytes() == whole
    assert capsys.readouterr().err == ""


def write_and_die(file: str) -> None:
    connection = duckdb.connect(file)
    connection.execute("set checkpoint_threshold='1GB'")
    for _ in range(20):
        connection.execute("insert into elementary.results from range(2000)")
    os._exit(1)


def leave_a_log(file: Path) -> None:
    """Writes rows that only the .wal has, as a process that is killed leaves them."""
    writer = multiprocessing.get_context("spawn").Process(target=write_and_die, args=[str(file)])
    writer.start()
    writer.join()
    assert file.with_name("monitoring.duckdb.wal").stat().st_size > 10_000


def count(file: Path) -> int:
    with duckdb.connect(str(file)) as connection:
        return connection.execute("select count(*) from elementary.results").fetchone()[0]


def test_a_broken_log_alone_is_set_aside_and_the_rest_of_the_history_stays(file, capsys):
    leave_a_log(file)
    log = file.with_name("monitoring.duckdb.wal")
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0xFF
    log.write_bytes(content)
    assert make_usable(file) is None
    names = sorted(path.name for path in file.parent.iterdir())
    assert len(names) == 2, names
    assert re.fullmatch(r"monitoring\.damaged-.*\.duckdb\.wal", names[0])
    assert (file.parent / names[0]).read_bytes() == content
    assert count(file) == ROWS
    assert "What it held of the last run is lost." in capsys.readouterr().err


def test_the_log_of_a_killed_run_is_no_damage(file):
    leave_a_log(file)
    assert make_usable(file) is None
    assert count(file) == ROWS + 20 * 2000


def test_a_damaged_file_takes_its_log_along(file):
    """DuckDB would put it into the new file."""
    leave_a_log(file)
    file.write_bytes(b"no database")
    assert make_usable(file) is None
    names = sorted(path.name for path in file.parent.iterdir())
    assert len(names) == 2, names
    assert names[1] == f"{names[0]}.wal"


def of_version(content: bytes, storage: int, library: bytes) -> bytes:
    """The file as another DuckDB would have written it. DuckDB tells which checksum its header must have."""
    content = content[:12] + struct.pack("<Q", storage) + content[20:52] + library.ljust(32, b"\0") + content[84:]
    return content


def test_the_file_of_a_newer_duckdb_is_left_alone_and_named(file, whole, capsys):
    content = of_version(whole, 99, b"v9.8.7")
    file.write_bytes(content)
    with pytest.raises(duckdb.IOException) as wrong:
        duckdb.connect(str(file), read_only=True)
    content = struct.pack("<Q", int(re.search(r"computed checksum (\d+)", str(wrong.value))[1])) + content[8:]
    file.write_bytes(content)
    problem = make_usable(file)
    assert (
        f"written by DuckDB v9.8.7, which the installed {duckdb.__version__} cannot read. It is not damaged." in problem
    )
    assert file.read_bytes() == content
    assert [path.name for path in file.parent.iterdir()] == ["monitoring.duckdb"]


def test_a_locked_file_is_waited_for_and_left_alone(file, monkeypatch, capsys):
    monkeypatch.setitem(files.DuckDBFile.wait.__kwdefaults__, "seconds", 0.5)
    with holding(file, 60) as process:
        problem = make_usable(file)
    assert f"(process {process}) has " in problem
    assert "damaged" not in problem + capsys.readouterr().err
    assert count(file) == ROWS


@pytest.mark.parametrize(
    "words",
    [
        'Cannot open file "monitoring.duckdb": Permission denied',
        'Failure while replaying WAL file "monitoring.duckdb.wal": Out of Memory Error: failed to allocate',
    ],
)
def test_a_file_that_cannot_be_read_for_another_reason_is_left_alone(file, monkeypatch, words):
    """Whoever runs the tests may be root, who may read everything."""

    def refuse(*_arguments, **_options):
        raise duckdb.IOException(f"IO Error: {words}")

    monkeypatch.setattr(duckdb_monitoring.duckdb, "connect", refuse)
    assert words in make_usable(file)
    assert [path.name for path in file.parent.iterdir()] == ["monitoring.duckdb"]


def test_one_that_cannot_be_set_aside_stops_a_run_with_the_reason(file, monkeypatch):
    file.write_bytes(b"no database")

    def refuse(*_paths):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(duckdb_monitoring.os, "replace", refuse)
    problem = make_usable(file)
    assert "monitoring.duckdb is damaged: " in problem
    assert problem.endswith(" It cannot be set aside: Permission denied.")
    assert file.read_bytes() == b"no database"


def test_a_copy_is_made_for_readers_who_change_it(file, tmp_path):
    engine, folder = DuckDB(project_at(tmp_path)), tmp_path / "copy"
    folder.mkdir()
    copied = engine.copy_into(engine._data(file), folder)
    assert engine.monitoring_variables(copied) == {"ELEMENTARY_PATH": str(folder / "monitoring.duckdb")}
    with copied.open(read_only=False) as session:
        session.use("elementary")
        session.run("drop table results")
    assert count(file) == ROWS


def test_a_copy_waits_for_the_run_that_writes(file, tmp_path, monkeypatch):
    engine = DuckDB(project_at(tmp_path))
    monkeypatch.setitem(files.DuckDBFile.wait.__kwdefaults__, "seconds", 0.5)
    with (
        holding(file, 60) as process,
        pytest.raises(CannotOpen, match=rf"\(process {process}\) has .* open, so nothing"),
    ):
        engine.copy_into(engine._data(file), tmp_path)
