"""dataops doctor on a project that has everything, and on the same project without one thing; and how commands are typed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from dataops import __version__, doctor, typed
from dataops.engines import engine_of
from dataops.engines.duckdb import profile
from dataops.errors import WRONG, DataopsError
from dataops.missing import Missing
from dataops.project import Project, read_settings
from dataops.release import pipeline
from tests.helpers import REPOSITORY, clean_environment, git_init, succeed

HOOKS = dict.fromkeys(("on-run-start", "on-run-end"), "{{ dataops.record_build() }}")


@pytest.fixture
def complete(tmp_path) -> Path:
    """A project from which nothing is missing."""
    shutil.copytree(REPOSITORY / "tests/existing_project", tmp_path, dirs_exist_ok=True)
    edit(tmp_path, "profiles.yml", lambda profiles: profiles["shop"]["outputs"].update(targets()))
    edit(tmp_path, "dbt_project.yml", lambda settings: settings.update(HOOKS))
    package = tmp_path / "dbt_packages/dataops"
    package.mkdir(parents=True)
    (package / "dbt_project.yml").write_text(f"version: {__version__}\n")
    (tmp_path / "dataops.toml").write_text('monitoring = "none"\n')
    (tmp_path / ".pre-commit-config.yaml").write_text(doctor.LINT)
    with (tmp_path / ".gitignore").open("a") as ignored:
        ignored.write("/warehouse/\n/dbt_packages/\n.user.yml\n")
    git_init(tmp_path)
    succeed("git", "add", "--all", cwd=tmp_path)
    succeed("git", "commit", "--quiet", "-m", "feat: start", cwd=tmp_path)
    return tmp_path


CI, CI_ATTACHED = profile.lines_of_ci("ci", "prod")
PROD, PROD_ATTACHED = profile.lines_of_prod("prod")


def targets() -> dict:
    duckdb = {"type": "duckdb"}
    return {
        "ci": duckdb | CI | {"attach": [CI_ATTACHED]},
        "prod": duckdb | PROD | {"attach": [PROD_ATTACHED]},
    }


def edit(folder: Path, name: str, change) -> None:
    values = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    change(values)
    (folder / name).write_text(yaml.safe_dump(values), encoding="utf-8")


def project_in(folder: Path) -> Project:
    return Project(folder, folder, read_settings(folder), clean_environment())


def lacking(folder: Path) -> dict[str, Missing]:
    return {name: missing for name, missing in doctor.examine(project_in(folder)).items() if missing}


def test_nothing_is_missing_from_a_complete_project(complete):
    assert lacking(complete) == {}


def target(name: str, **changes):
    """Changes settings of a target of profiles.yml; None takes one out."""

    def change(folder: Path) -> None:
        def update(profiles: dict) -> None:
            values = profiles["shop"]["outputs"][name]
            values.update(changes)
            for setting in [setting for setting, value in values.items() if value is None]:
                del values[setting]

        edit(folder, "profiles.yml", update)

    return change


def without(name: str):
    return lambda folder: shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()


@pytest.mark.parametrize(
    ("change", "check", "line"),
    [
        (without("profiles.yml"), "profiles.yml", "cp "),
        (target("dev", path="{{ 'warehouse/prod/current/prod.duckdb' }}"), "target dev", "path: warehouse/dev/dev.duckdb"),
        (target("ci", path="data/ci.duckdb"), "target ci", "/ci/ci_{{"),
        (target("ci", attach=None), "target ci", "env_var('CI_PROD_COPY', ':memory:')"),
        (target("ci", attach=[CI_ATTACHED | {"read_only": False}]), "target ci", "read_only: "),
        (target("prod", path="data/prod.duckdb", attach=None), "target prod", "/prod/candidate/prod.duckdb"),
        (target("prod", attach=[PROD_ATTACHED | {"read_only": False}]), "target prod", "read_only: "),
        (target("prod", plugins=[{"module": "excel"}]), "target prod", "- module: excel\n    - module: dataops.engines.duckdb.plugin"),
        (target("prod", database=None), "target prod", "database: prod"),
        (without("dbt_packages"), "dbt package", f"revision: v{__version__}"),
        (lambda folder: edit(folder, "dbt_packages/dataops/dbt_project.yml", lambda it: it.update(version="0.0.9")), "dbt package", "revision"),
        (lambda folder: edit(folder, "dbt_project.yml", lambda it: it.pop("on-run-end")), "record of builds", "on-run-end: "),
        (without("dataops.toml"), "settings", 'monitoring = "none"'),
        (without(".git"), "git", "git init"),
        (lambda folder: (folder / ".gitignore").write_text("target/\nlogs/\ndata/\ndbt_packages/\n.user.yml\n"), ".gitignore", "/warehouse/"),
        (without(".pre-commit-config.yaml"), "lint", "entry: dataops dbt --quiet parse"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_the_line_to_add(complete, change, check, line):
    change(complete)
    found = lacking(complete)
    assert list(found) == [check]
    assert line in found[check].lines


def test_the_lines_of_a_target_keep_its_other_settings(complete):
    """What is printed can replace the target as it is: read back, nothing is missing."""
    other = {"path": "other.duckdb", "alias": "other"}
    target("prod", path="data/prod.duckdb", database=None, attach=[other], threads=3, extensions=["json"])(complete)
    printed = yaml.safe_load(lacking(complete)["target prod"].lines)
    assert printed["prod"]["threads"] == 3
    assert printed["prod"]["extensions"] == ["json"]
    assert other in printed["prod"]["attach"]
    edit(complete, "profiles.yml", lambda profiles: profiles["shop"]["outputs"].update(printed))
    assert lacking(complete) == {}


def test_a_hook_that_is_there_is_kept(complete):
    edit(complete, "dbt_project.yml", lambda it: it.update({"on-run-end": "{{ mine() }}"}))
    assert yaml.safe_load(lacking(complete)["record of builds"].lines)["on-run-end"] == [
        "{{ mine() }}",
        "{{ dataops.record_build() }}",
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (target("prod", type="postgres"), "a target of type postgres, which dataops does not know. It knows: duckdb."),
        (lambda folder: (folder / "profiles.yml").write_text("a: [\n"), "profiles.yml cannot be read"),
        (lambda folder: (folder / "dataops.toml").write_text('moniotring = "none"\n'), "has a setting 'moniotring'"),
        (target("prod", schema="{{ env_var('NOT_SET_ANYWHERE') }}"), "NOT_SET_ANYWHERE"),
    ],
)
def test_what_cannot_be_checked_is_an_error(complete, change, problem):
    change(complete)
    with pytest.raises(DataopsError, match=problem):
        doctor.examine(project_in(complete))


def test_an_unknown_engine_is_what_the_project_has_wrong(complete):
    target("dev", type="oracle")(complete)
    with pytest.raises(DataopsError) as error:
        doctor.examine(project_in(complete))
    assert error.value.exit_code == WRONG


def rename(folder: Path, **names: str) -> None:
    """Gives targets other names, with all that depends on them; `dataops.toml` and the macros do not mention them."""

    def change(profiles: dict) -> None:
        duckdb = {"type": "duckdb"}
        ci, copy = profile.lines_of_ci(names["ci"], names["prod"])
        prod, current = profile.lines_of_prod(names["prod"])
        profiles["shop"]["outputs"] = {
            names["dev"]: duckdb | profile.lines_of_dev(names["dev"]),
            names["ci"]: duckdb | ci | {"attach": [copy]},
            names["prod"]: duckdb | prod | {"attach": [current]},
        }

    edit(folder, "profiles.yml", change)


NAMES = {"dev": "development", "ci": "ci", "prod": "production"}


def test_targets_of_other_names_are_asked_for_in_the_settings_and_for_the_macros_at_once(complete):
    rename(complete, **NAMES)
    found = lacking(complete)
    assert list(found) == ["environments", "environments of the macros"]
    assert found["environments"].lines == 'environments = {dev = "development", ci = "ci", prod = "production"}'
    problem = (
        "profiles.yml has development and production, and the settings do not say which of dev, ci, prod they are."
    )
    assert found["environments"].problem == problem
    assert found["environments"].where == "If this is right, write in dataops.toml:"
    printed = yaml.safe_load(found["environments of the macros"].lines)
    assert printed == {"vars": {"dataops": {"environments": NAMES}}}
    with (complete / "dataops.toml").open("a") as settings:
        settings.write(found["environments"].lines)
    edit(complete, "dbt_project.yml", lambda settings: settings.update(printed))
    assert lacking(complete) == {}
    assert [name for name in doctor.examine(project_in(complete)) if name.startswith("target ")] == [
        "target development",
        "target ci",
        "target production",
    ]
    edit(complete, "dbt_project.yml", lambda settings: settings["vars"]["dataops"]["environments"].pop("prod"))
    assert list(lacking(complete)) == ["environments of the macros"], "prod has another name for the macros"


def test_renamed_targets_are_replaced_with_all_that_depends_on_their_names(complete):
    """What was attached under prod's old name goes."""
    edit(complete, "profiles.yml", _swap_names)
    found = lacking(complete)
    assert list(found) == ["environments", "environments of the macros", "target ci", "target production"]
    for name in ("target ci", "target production"):
        (printed,) = yaml.safe_load(found[name].lines).values()
        assert len(printed["attach"]) == 1
        assert "production" in printed["attach"][0]["alias"]


def test_monitoring_follows_the_names_of_targets(complete):
    """The tasks read the history in the folder of the environment."""
    old = {"path": "{{ env_var('WAREHOUSE_DIR', 'warehouse') }}/prod/monitoring.duckdb", "alias": "monitoring"}
    rename(complete, **NAMES)

    def attach(profiles: dict) -> None:
        profiles["shop"]["outputs"]["production"]["attach"].append(old)
        profiles["shop"]["outputs"]["development"] |= {"schema": "dev", "attach": [old]}
        profiles["elementary"] = {"target": "production", "outputs": {"dev": {}, "ci": {}, "prod": {}}}

    edit(complete, "profiles.yml", attach)
    assert "target production" not in lacking(complete), "a database of that name, in a project without Elementary"
    (complete / "dataops.toml").write_text('monitoring = "elementary"\n')
    with (complete / "profiles.yml").open("a") as profiles:
        profiles.write("# env_var('DBT_TARGET', 'dev')\n")
    found = lacking(complete)
    assert "'/production/monitoring.duckdb' if" in found["target production"].lines
    number = len((complete / "profiles.yml").read_text().splitlines())
    assert found["names of targets"].lines.splitlines() == [
        f"profiles.yml:{number}: env_var('DBT_TARGET', 'development')",
        "profiles.yml, under elementary: outputs: development, instead of dev",
        "profiles.yml, under elementary: outputs: production, instead of prod",
    ]
    for name in ("target development", "target production"):
        printed = yaml.safe_load(found[name].lines)
        edit(complete, "profiles.yml", lambda profiles, printed=printed: profiles["shop"]["outputs"].update(printed))
    assert printed["production"]["plugins"]
    outputs = yaml.safe_load((complete / "profiles.yml").read_text())["shop"]["outputs"]
    assert outputs["development"]["schema"] == "dev", "the rest of the target stays"
    assert not {"target development", "target production"} & lacking(complete).keys()


def _swap_names(profiles: dict) -> None:
    outputs = profiles["shop"]["outputs"]
    outputs["development"], outputs["production"] = outputs.pop("dev"), outputs.pop("prod")


@pytest.mark.parametrize(
    ("file", "text", "instead"),
    [
        ("models/a.sql", "{{ config(enabled=(target.name == 'prod')) }}", "dataops.environment() == 'prod'"),
        ("macros/b.sql", '{% if target.name != "dev" %}', "dataops.environment() != 'dev'"),
        ("models/c.yml", "# target.name=='prod'", "target.name == var('dataops').environments.prod"),
        ("dbt_project.yml", "# target.name == 'prod'", "target.name == 'production'"),
    ],
)
def test_comparisons_with_a_target_that_has_another_name_are_listed(complete, file, text, instead):
    rename(complete, **NAMES)
    (complete / file).parent.mkdir(exist_ok=True)
    with (complete / file).open("a") as changed:
        changed.write(f"\n{text}\n# target.name == 'ci', target.name == 'sandbox'\n")
    number = (complete / file).read_text().splitlines().index(text) + 1
    assert lacking(complete)["names of targets"].lines == f"{file}:{number}: {instead}"


def test_the_lines_of_a_target_name_it_as_the_project_does(complete):
    rename(complete, **NAMES)
    (complete / "dataops.toml").write_text(f"environments = {NAMES}".replace("': '", "' = '"))
    edit(complete, "dbt_project.yml", lambda settings: settings.update(vars={"dataops": {"environments": NAMES}}))
    plain = {name: {"type": "duckdb", "path": f"data/{name}.duckdb"} for name in ("ci", "production")}
    edit(complete, "profiles.yml", lambda profiles: profiles["shop"].update(outputs=plain))
    found = lacking(complete)
    assert list(found) == ["target development", "target ci", "target production"]
    assert "path: warehouse/development/development.duckdb" in found["target development"].lines
    assert "alias: production" in found["target ci"].lines
    assert "~ '/production/candidate/production.duckdb' if" in found["target production"].lines
    assert "production's version attached to read from" in found["target ci"].problem
    for missing in found.values():
        printed = yaml.safe_load(missing.lines)
        edit(complete, "profiles.yml", lambda profiles, printed=printed: profiles["shop"]["outputs"].update(printed))
    assert lacking(complete) == {}


def test_a_target_that_is_no_environment_needs_no_setting(complete):
    edit(complete, "profiles.yml", lambda profiles: profiles["shop"]["outputs"].update(sandbox={"type": "duckdb"}))
    edit(complete, "profiles.yml", lambda profiles: profiles["shop"]["outputs"].update(production={"type": "duckdb"}))
    assert lacking(complete) == {}


@pytest.mark.parametrize(
    "text", [None, "[tool.ruff]\n", '[project]\nname = "x"\ndependencies = ["rich>=14", "not-installed"]\n']
)
def test_a_release_notes_its_tools_whatever_pyproject_holds(tmp_path, text):
    if text:
        (tmp_path / "pyproject.toml").write_text(text)
    project = project_in(tmp_path)
    found = pipeline._tools(project, engine_of(project))
    assert {"python", "dbt-core", "dbt-duckdb", "duckdb"} <= found.keys()
    assert ("rich" in found) == ("rich" in (text or ""))


def test_a_command_is_typed_as_the_makefile_has_it(tmp_path):
    def say(task: str, arguments: str = "", **options) -> str:
        return typed.typed(task, arguments, project=tmp_path, **options)

    assert say("build", "--select x", target="ci") == "TARGET=ci dataops build --select x"
    assert say("rollback", to=41) == "dataops rollback 41"
    (tmp_path / "Makefile").write_text("build:\n\tdbt build\n")  # a task of the project's own
    assert say("build") == "dataops build"
    (tmp_path / "Makefile").write_text("build:\n\tdataops build\nrollback: ready\n\tdataops rollback\n")
    assert say("build", "--select x", target="ci") == 'make build TARGET=ci ARGS="--select x"'
    assert say("releases", "--history") == "dataops releases --history", "the Makefile has no such task"
    assert say("rollback", to=41) == "make rollback TO=41"
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/dataops").touch()
    assert say("doctor") == ".venv/bin/dataops doctor", "who works with make has no venv activated"
    assert say("build", "--full-refresh") == "make build ARGS=--full-refresh"
