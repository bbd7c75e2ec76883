"""dataops release, in process: exit codes, the lock, and what happens around a build. The build itself is a stub."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partialmethod
from pathlib import Path

import duckdb
import pytest

from dataops import project
from dataops.engines import CannotOpen, EngineError
from dataops.engines import duckdb as engine_module
from dataops.engines.duckdb.files import DuckDBFile
from dataops.errors import DataopsError
from dataops.release import candidate, command, pipeline
from dataops.release.acceptance import read_acceptance
from dataops.release.pipeline import Release, Stopped
from dataops.release.repository import Code
from dataops.versions import DRY_RUN, MANIFEST, CannotRelease, Version, Versions, lock, write_facts
from tests import versions
from tests.holder import holding
from tests.versions import DAY, data_in, prod_edition

CODE = Code("2" * 40, "feat: edition 2", ())
TODAY = f"{datetime.now(UTC):%Y-%m-%d}"


@dataclass
class Prepared(Release):
    """A release whose candidate is made without dbt; `late` is called when it is done."""

    late: Callable[[Version], None] = lambda version: None

    def make(self) -> None:
        number = int(self.id[:4]) if self.id != DRY_RUN else 2
        made = versions.make_folder(self.versions, self.folder, number)
        self.facts |= {"results": made.facts["results"]}
        self.steps.append(("build and test", "2 built", 0.1))
        self.write_facts("stopped", ["it was killed"])
        self.late(made)


@pytest.fixture
def build(monkeypatch) -> Callable[[Callable[[Version], None]], None]:
    """Replaces what a release builds; called with what happens at the end of the build."""

    def replace(late: Callable[[Version], None] = lambda version: None) -> None:
        def next_release(versions, accept, full_refresh, allow_uncommitted, dry_run, prod, by, console):
            id = DRY_RUN if dry_run else versions.next_id(datetime.now(UTC))
            accepted = (accept,) if accept else ()
            return Prepared(versions, id, CODE, prod, by, accepted, full_refresh, console, accept, late=late)

        monkeypatch.setattr(command, "next_release", next_release)

    return replace


def fail(error: BaseException) -> Callable[..., None]:
    def raise_it(*arguments):
        raise error

    return raise_it


FULL = OSError(errno.ENOSPC, "No space left on device", "x")
# What ends a release or a rollback, its exit code, and the line that says why.
ENDS = {
    "done": (None, 0, "prod is"),
    "stopped by the audit": (Stopped(["orders differs"], "Fix it."), 1, "- orders differs"),
    "refused": (CannotRelease("No.", "Do it."), 2, "No. Do it."),
    "DuckDB": (
        EngineError("DuckDB", "IOException", "IO Error: broken", False),
        2,
        "DuckDB stopped: IO Error: broken prod is intact.",
    ),
    "a full disk": (FULL, 2, "No space left on device (x). prod is intact. Free some space"),
    "locked": (None, 75, "holds the lock of prod since"),
    "Ctrl-C": (KeyboardInterrupt(), 130, "Stopped: prod is intact."),
    "Ctrl-C in a query": (RuntimeError("Query interrupted"), 130, "Stopped: prod is intact."),
}


@pytest.mark.parametrize(
    ("task", "end"),
    [(task, end) for task in ("release", "rollback") for end in ENDS if (task, ENDS[end][1]) != ("rollback", 1)],
)
def test_exit_codes(prod, dataops, build, monkeypatch, task, end):
    """Those of docs/releasing.md. A rollback audits nothing, so it never ends with 1."""
    error, code, line = ENDS[end]
    versions.release(prod, 1)
    versions.release(prod, 2)
    if task == "release":
        build(fail(error) if error else lambda version: None)
    elif error:
        monkeypatch.setattr(Versions, "publish", fail(error))
    if end == "locked":
        with lock.held(prod.project, "make release"):
            output = dataops(task, code=code).output
        assert re.search(rf"since {TODAY} \d\d:\d\d:\d\d UTC: make release \(process \d+ on ", output)
    else:
        output = dataops(task, code=code).output
    assert line in output
    assert prod_edition(prod) == (2 if code else {"release": 3, "rollback": 1}[task])
    if task == "release" and error:
        assert [version.id for version in prod.stopped()] == [f"0003-{TODAY}"]
        assert re.search(rf"kept in \S*/stopped/0003-{TODAY}\.", output), "it is named, whatever ended the release"
    documented = Path(__file__).parents[3] / "{{cookiecutter.project_slug}}/docs/releasing.md"
    assert re.search(rf"^\| {code} \| \S", documented.read_text(encoding="utf-8"), re.MULTILINE)


def test_help_names_the_exit_codes(dataops):
    output = dataops("release", "--help").output
    assert "0 released; 1 something failed or differs; 2 it could not be done; 75 somebody else" in output
    for task in ("rollback", "releases"):
        assert "2 it could not be done" in dataops(task, "--help").output


def test_a_lock_that_was_just_taken(prod, dataops):
    with lock.held(prod.project, "make release"):
        (prod.folder / "lock").write_text("")
        assert "Somebody else holds the lock of prod, since just now." in dataops("rollback", code=75).output


@pytest.mark.parametrize("reason", [" ", "--dry-run"])
def test_a_reason_that_is_none_accepts_nothing(prod, dataops, reason):
    versions.release(prod, 1)
    assert "--accept needs a reason" in dataops("release", "--accept", reason, code=2).output
    assert "--reason needs a reason" in dataops("rollback", "--reason", reason, code=2).output


@pytest.mark.parametrize("kept", ["0", "-1", "all"])
def test_a_number_of_versions_that_is_none(dataops, monkeypatch, kept):
    output = f"'{kept}' is not a valid number of versions. RELEASES_KEPT (.env) and --keep take 1 or more."
    assert output in dataops("release", "--keep", kept, code=2).output
    monkeypatch.setenv("RELEASES_KEPT", kept)
    assert output in dataops("release", code=2).output


def test_older_versions_are_removed_after_a_release(prod, dataops, build):
    for number in (1, 2, 3):
        versions.release(prod, number)
    dataops("rollback", "2")
    build()
    output = dataops("release", "--keep", "2").output
    assert f"Removed 0001-{DAY}: 2 versions are kept." in output
    assert f"Removed 0003-{DAY}" in output, "it was rolled back from"
    assert [version.number for version in prod.kept()] == [4, 2]


def test_a_dry_run_stops_before_the_swap(prod, dataops, build):
    versions.release(prod, 1)
    build()
    output = dataops("release", "--dry-run").output
    assert "Nothing was released: this was a dry run" in output
    assert "until the next dry run" in output
    assert (prod_edition(prod), prod.stopped(), len(prod.history())) == (1, [], 1)
    assert re.search(r"dry-run dry run .*feat: edition 2 ", dataops("releases").output)
    assert "A dry run has no number" in dataops("release", "--candidate", "dry-run", code=2).output
    dataops("release")
    assert prod.current().number == 2, "a dry run takes no number"


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Path:
    """A project of its own, without a Makefile; its folder is the working directory."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "dbt_project.yml").write_text("name: shop\n")
    monkeypatch.chdir(folder)
    return folder


def test_how_many_versions_are_kept_may_be_said_in_the_env_file(shop, dataops):
    (shop / ".env").write_text("RELEASES_KEPT=none\n")
    assert "'none' is not a valid number of versions." in dataops("release", code=2).output


def test_where_prod_has_another_name_files_and_messages_have_it(shop, tmp_path, dataops, build):
    (shop / "dataops.toml").write_text('environments = {prod = "production"}\n')
    prod = Versions(project.load())
    for number in (1, 2):
        versions.release(prod, number)
    assert (tmp_path / "warehouse/production/current/production.duckdb").exists()
    assert f"0001-{DAY} (1111111 feat: edition 1) would be production; 0002" in dataops("rollback", "--dry-run").output
    assert f"production is 0001-{DAY} (1111111 feat: edition 1) again" in dataops("rollback").output
    assert f"0001-{DAY} is production already." in dataops("rollback", "1", code=2).output
    assert re.search(rf"0001-{DAY} production ", dataops("releases").output)
    build()
    output = dataops("release").output
    assert f"production is 0003-{TODAY}, swapped in" in output
    assert re.search(rf"production is 0003-{TODAY} \(.* kB\): .*warehouse/production/current\.", output)
    build(fail(Stopped(["orders differs"], "Fix it.")))
    assert f"is not released: production is still 0003-{TODAY}." in dataops("release", code=1).output
    for output in (dataops("releases").output, dataops("rollback", "9", code=2).output):
        assert "make" not in output, "this project has no Makefile"


def test_macros_that_call_prod_by_another_name_stop_a_release_before_it_starts(shop):
    (shop / "dataops.toml").write_text('environments = {prod = "production"}\n')
    with pytest.raises(DataopsError) as raised:
        pipeline.require_candidate(Versions(project.load()))
    assert "The settings call the environments dev, ci, production, and the macros" in raised.value.problem
    assert "environments: {dev: dev, ci: ci, prod: production}" in raised.value.remedy


def damage_rows(version: Version) -> None:
    file = version.data.file
    with duckdb.connect(str(file)) as data:
        data.execute("create table staging.many as select hash(numbers.i) as number from range(100000) as numbers(i)")
        data.execute("checkpoint")
        stored = "select max(block_id) from pragma_storage_info('staging.many') where persistent"
        (block,) = data.execute(stored).fetchone()
    content = bytearray(file.read_bytes())
    content[12288 + block * 262144 + 1000] ^= 255  # DuckDB: three headers, then blocks of 256 KiB
    file.write_bytes(content)


def damage_file(version: Version) -> None:
    content = bytearray(version.data.file.read_bytes())
    for start in range(12288, len(content), 4096):
        content[start + 100] ^= 255
    version.data.file.write_bytes(content)


def damage_manifest(version: Version) -> None:
    text = (version.folder / MANIFEST).read_text()
    (version.folder / MANIFEST).write_text(text[: len(text) // 2])


def add_failing_view(version: Version) -> None:
    with duckdb.connect(str(version.data.file)) as data:
        data.execute("create table staging.texts as select 'x' as text")
        data.execute("create view staging.broken as select text::int as number from staging.texts")


DAMAGE = {
    "the file": (damage_file, 2, "prod.duckdb cannot be opened"),
    "rows": (damage_rows, 2, '"staging"."many" of'),
    "manifest": (damage_manifest, 2, "manifest.json of the candidate is damaged"),
    "a view": (add_failing_view, 1, '"staging"."broken" of'),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_candidate_that_is_damaged_late_is_not_published(prod, dataops, build, what):
    """Damaged after everything was built, tested and compared, as a faulty disk would."""
    damage, code, message = DAMAGE[what]
    versions.release(prod, 1)
    build(damage)
    assert message in dataops("release", "--accept", "why", code=code).output
    assert prod_edition(prod) == 1
    (stopped,) = prod.stopped()
    assert message in stopped.facts["reasons"][0], "make releases shows why"
    build()
    dataops("release")
    assert prod_edition(prod) == 3


def test_two_stopped_candidates_are_kept(prod):
    versions.release(prod, 1)
    for number in (2, 3, 4):
        versions.stop(prod, number)
    assert [version.number for version in prod.stopped()] == [4, 3]
    assert [event["id"][:4] for event in prod.stops()] == ["0002", "0003", "0004"]


def test_what_a_killed_release_leaves_is_put_where_it_belongs(prod):
    def left_behind(id: str, data: bytes | None) -> None:
        prod.candidate.mkdir(parents=True)
        write_facts(prod.candidate, {"id": id, "outcome": "stopped", "reasons": ["it was killed"]})
        if data is not None:
            data_in(prod, prod.candidate).write_bytes(data)

    for data in (b"1", b"2"):  # of two dry runs the last one is kept
        left_behind("dry-run", data)
        assert "dry-run; prod is as it was" in prod.recover(None, "ada")[0]
        assert data_in(prod, prod.folder / "dry-run").read_bytes() == data
    left_behind("0001-2026-11-24", None)
    assert prod.recover(None, "ada") == ["A release did not finish. It had made nothing yet; prod is as it was."]
    left_behind("0001-2026-11-24", b"")
    prod.recover(None, "ada")
    assert [version.id for version in prod.stopped()] == ["0001-2026-11-24"]
    assert prod.next_id(datetime.now(UTC)) == f"0002-{TODAY}"


# What can be in the way of the copy


def test_too_little_room_is_reported_ahead_with_the_figures(prod, monkeypatch, tmp_path):
    first = versions.release(prod, 1)
    monkeypatch.setattr(engine_module.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 40_000_000}))
    monkeypatch.setattr(engine_module, "clone", lambda source, target: False)
    with pytest.raises(DataopsError) as raised:
        prod.engine.start_candidate(first.folder, first.facts, tmp_path)
    assert re.search(
        r"has 40\.0 MB free, and a release needs 50\.5 MB: .* for the copy, .* to build", raised.value.problem
    )
    assert "RELEASES_KEPT" in raised.value.remedy
    assert not data_in(prod, tmp_path).exists()


def test_a_file_of_a_newer_duckdb_is_named(prod, tmp_path):
    first = versions.release(prod, 1, tools={"duckdb": "9.9.9"})
    file = first.data.file
    with file.open("r+b") as data:  # the version of the format follows checksum and magic bytes (DuckDB's MainHeader)
        data.seek(12)
        data.write((999).to_bytes(8, "little"))
    before = file.read_bytes()
    with pytest.raises(CannotOpen, match=f"was made with DuckDB 9.9.9; installed is {duckdb.__version__}."):
        prod.engine.start_candidate(first.folder, first.facts, tmp_path)
    assert file.read_bytes() == before


def test_a_program_that_writes_to_prod_is_named(prod, monkeypatch, tmp_path):
    first = versions.release(prod, 1)
    monkeypatch.setattr(DuckDBFile, "wait", partialmethod(DuckDBFile.wait, seconds=0.2))
    with holding(first.data.file, seconds=60) as holder, pytest.raises(CannotOpen) as raised:
        prod.engine.start_candidate(first.folder, first.facts, tmp_path)
    assert f"(process {holder}) has" in raised.value.problem


# A commit that was rolled back from


def test_a_commit_that_was_rolled_back_from_does_not_come_back_by_itself(prod, dataops, monkeypatch):
    versions.release(prod, 1)
    versions.release(prod, 2)
    monkeypatch.setattr(pipeline.repository, "read_code", lambda root: CODE)
    monkeypatch.setattr(pipeline.repository, "accepted_since", lambda root, commit: ())
    assert pipeline.next_release(prod, None, False, False, False, prod.current(), "ada", None).id[:4] == "0003"
    assert "revert the change, or it comes back" in dataops("rollback").output
    with pytest.raises(CannotRelease, match=f"0002-{DAY} is the same commit, and was rolled back from"):
        pipeline.next_release(prod, None, False, False, False, prod.current(), "ada", None)
    accept = read_acceptance("the source is right now")
    assert pipeline.next_release(prod, accept, False, False, False, prod.current(), "ada", None).accepted == (accept,)


def test_a_commit_that_was_rolled_back_from_in_two_steps(prod, dataops, monkeypatch):
    for number in (1, 3, 2):
        versions.release(prod, number if number != 2 else 4, commit=str(number) * 40)
    dataops("rollback")
    dataops("rollback")
    assert prod_edition(prod) == 1
    monkeypatch.setattr(pipeline.repository, "read_code", lambda root: CODE)
    with pytest.raises(CannotRelease, match=f"0004-{DAY} is the same commit, and was rolled back from"):
        pipeline.next_release(prod, None, False, False, False, prod.current(), "ada", None)


def test_a_commit_whose_version_lost_its_data_may_be_released_again(prod, dataops, monkeypatch):
    versions.release(prod, 1)
    lost = versions.release(prod, 2)
    (lost.data.file).unlink()
    dataops("rollback", "1")
    monkeypatch.setattr(pipeline.repository, "read_code", lambda root: CODE)
    monkeypatch.setattr(pipeline.repository, "accepted_since", lambda root, commit: ())
    assert pipeline.next_release(prod, None, False, False, False, prod.current(), "ada", None).id[:4] == "0003"


# A candidate that its crosscheck stopped


@pytest.fixture
def stopped(prod, monkeypatch) -> Version:
    """Candidate 2, which its crosscheck stopped, and the code as it was then."""
    versions.release(prod, 1)
    monkeypatch.setattr(candidate.repository, "read_code", lambda root: CODE)
    monkeypatch.setattr(pipeline.repository, "accepted_since", lambda root, commit: ())
    verdicts = {"orders": "same", "customers": "different"}
    return versions.stop(prod, 2, stopped_by="crosscheck", crosscheck={"verdicts": verdicts, "broken_contracts": {}})


def resume(stopped: Version, accept: str | None = "why", name: str = "2") -> Release:
    prod = Versions(stopped.engine.project)
    return candidate.stopped_release(prod, name, accept and read_acceptance(accept), prod.current(), "ada", None)


def refused(stopped: Version, **options) -> str:
    with pytest.raises(CannotRelease) as raised:
        resume(stopped, **options)
    return f"{raised.value.problem} {raised.value.remedy}"


def test_a_stopped_candidate_can_be_resumed(stopped):
    assert resume(stopped).id == stopped.id


def test_a_candidate_is_named_by_its_number(prod, stopped):
    versions.stop(prod, 10)
    assert f"There is no stopped candidate '7'. These stopped candidates are kept: 0010-{DAY}, 0002-{DAY}." in refused(
        stopped, name="7"
    )
    assert "There is no stopped candidate '22'. Did you mean 2?" in refused(stopped, name="22")
    assert f"0001-{DAY} is a version of prod. Type: make rollback TO=1" in refused(stopped, name="1")
    assert "A dry run has no number" in refused(stopped, name="dry-run")


def test_a_candidate_goes_with_accept_and_keep_alone(dataops, stopped):
    for option in ("--full-refresh", "--dry-run", "--allow-uncommitted"):
        output = dataops("release", "--accept", "why", "--candidate", "2", option, code=2).output
        assert "--candidate publishes what was built" in output


def test_a_candidate_of_other_code_is_not_published(stopped, monkeypatch):
    monkeypatch.setattr(candidate.repository, "read_code", lambda root: Code("3" * 40, "feat: 3", ()))
    text = refused(stopped, accept="customers: nobody reads it")
    assert "was built from commit 2222222, and the present one is 3333333." in text
    assert "Build it again: make release ARGS=\"--accept 'customers: nobody reads it'\"" in text
    monkeypatch.setattr(candidate.repository, "read_code", lambda root: Code("2" * 40, "feat: 2", ("seeds/a.csv",)))
    assert "files differ from that now: seeds/a.csv" in refused(stopped)
    monkeypatch.setattr(candidate.repository, "read_code", lambda root: Code("2" * 40, "feat: 2", (), ("notes.txt",)))
    assert resume(stopped).code.unread == ("notes.txt",), "nothing reads a note"


def test_a_candidate_of_uncommitted_code_is_not_published(stopped):
    write_facts(stopped.folder, stopped.facts | {"uncommitted": ["models/a.sql"]})
    assert "was built with changes that were not committed" in refused(stopped)


def test_a_candidate_that_was_changed_is_not_published(stopped):
    (stopped.data.file).touch()
    assert "was changed after it was compared" in refused(stopped)


def test_a_candidate_of_another_prod_is_not_published(prod, stopped):
    versions.release(prod, 3)
    assert f"was compared with 0001-{DAY}, and prod is 0003-{DAY}." in refused(stopped)


def test_a_candidate_whose_inputs_have_changed_is_not_published(stopped):
    write_facts(stopped.folder, stopped.facts | {"inputs": {"files": {"data/a.csv": [1, 1]}, "unknown": []}})
    assert "was built from files that have changed since: data/a.csv." in refused(stopped)


def test_what_stopped_for_a_failed_test_cannot_be_accepted(prod, stopped):
    failed = versions.stop(prod, 4, "test unique_orders: 1 rows")
    text = refused(failed, name="4", accept="a new edition")
    assert f"0004-{DAY} was not stopped by differences alone: test unique_orders: 1 rows" in text
    assert "Build it again: make release ARGS=\"--accept 'a new edition'\"" in text


def test_what_a_candidate_needs_is_accepted_by_name(stopped):
    assert "Did you mean customers?" in refused(stopped, accept="custmers: why")
    assert "--accept names models but gives no reason" in refused(stopped, accept="customers")
    assert "--accept names models but gives no reason" in refused(stopped, accept="custmers"), "it accepts nothing"
    assert resume(stopped, accept="corrected").accepted, "one word may be a reason"
