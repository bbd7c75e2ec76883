"""CI and CD: `make ci` on the small project, then the workflows' own commands in clean clones, in the order of the host.

The hosts are played by tests/code_host.py; the projects' own code talks to their APIs.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.code_host import NO_HUB, REPOSITORY_NAME, GitLab, Runner, failed, hosting, serving, step
from tests.helpers import clean_environment, copy_project, git_init, make_project, run, succeed
from tests.small_project import commit, dataops, head, make_release, set_edition

CUSTOMERS = "models/marts/customers.sql"
PARSED_AGAIN = "Partial parsing enabled: 0 files deleted, 0 files added, 1 files changed."


def replace(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text, file
    file.write_text(text.replace(before, after), encoding="utf-8")


def drop_city(project: Path) -> None:
    """What breaks a reader: a column of a mart is gone, from its contract too."""
    replace(project / CUSTOMERS, "        customers.city,\n", "")
    file = project / "models/marts/customers.yml"
    text = file.read_text(encoding="utf-8")
    without = re.sub(r"      - name: city\n(        .*\n)+", "", text)
    assert without != text
    file.write_text(without, encoding="utf-8")


def built(output: str) -> list[str]:
    """The models, seeds and snapshots that a build says it made."""
    return re.findall(r"OK (?:created sql \w+ model|loaded seed file|snapshotted) (?:ci|main)?_?\w*\.(\w+)", output)


@pytest.fixture
def github():
    """A repository on GitHub, with nothing in it yet."""
    with hosting() as host:
        yield host


def make_ci(project: Path, code: int, *options: str, **environment: str) -> str:
    """Runs `dataops ci` and returns what it printed and its summary."""
    summary = project / "target/ci/summary.md"
    output = dataops(project, "ci", *options, code=code, **environment).output
    return output + (summary.read_text(encoding="utf-8") if summary.exists() else "")


def compared(project: Path, name: str) -> dict:
    """What the crosscheck says of a model."""
    result = json.loads((project / "target/crosscheck/result.json").read_text(encoding="utf-8"))
    (model,) = (model for model in result["models"] if model["name"] == name)
    return model


def parses(project: Path) -> list[str]:
    """What dbt's log says each time that it parses files, instead of loading its parse cache."""
    log = (project / "logs/dbt.log").read_text(encoding="utf-8")
    lines = re.findall(r"(?:Partial parsing enabled: .*|Unable to do partial parsing.*)", log)
    return [line for line in lines if "0 files added, 0 files changed" not in line]


def test_without_prod_everything_is_built_and_that_is_said(small_project, tmp_path):
    project = copy_project(small_project, tmp_path)
    done = succeed("make", "ci", cwd=project)
    assert {"first", "second", "shown", "counted", "edition"} <= set(built(done.output))
    assert "Prod has no version yet" in done.output
    summary = (project / "target/ci/summary.md").read_text(encoding="utf-8")
    assert "## 🟢 make ci" in summary
    assert "nothing could be compared" in summary
    assert (project / "warehouse/ci/ci_local.duckdb").exists()
    assert not list((project / "warehouse/dev").glob("*.duckdb"))
    assert "<html" in (project / "target/docs/index.html").read_text(encoding="utf-8")


def test_a_change_is_green_or_red_and_a_commit_accepts_it(released_project, tmp_path):
    project = copy_project(released_project, tmp_path)

    # Nothing changed: nothing is built.
    text = make_ci(project, 0)
    assert "Nothing that dbt builds or tests differs from prod's version 0001-" in text
    assert built(text) == []

    # A change that leaves the data as it is builds that model and its children only, with prod's data.
    replace(project / "models/staging/second.sql", "select number", "-- The number.\nselect number")
    (project / "logs/dbt.log").unlink()
    text = make_ci(project, 0)
    assert parses(project) == [PARSED_AGAIN], "once for all steps"
    assert sorted(built(text)) == ["second", "shown"]
    assert "## 🟢 make ci" in text
    assert "2 the same" in text
    assert not (project / "warehouse/ci/ci_local_prod").exists()

    # Other data is red, and the message says what to type.
    set_edition(project, 2)
    text = make_ci(project, 1)
    assert "## 🔴 make ci" in text
    assert compared(project, "first")["verdict"] == "different"
    assert "Accept-Differences: counted, first, second, shown: why" in text.rpartition("## 🔴")[0]

    # A name that is not a model accepts nothing, and is noted before anything is built.
    commit(project, "chore: accept\n\nAccept-Differences: frist, second: misspelt")
    text = make_ci(project, 1)
    note = "names frist, which is not a model (did you mean first?): it accepts nothing"
    assert 0 < text.index(note) < text.index("2/4")
    assert note.replace("(", r"\(").replace(")", r"\)").replace("?", "?") in text.rpartition("## 🔴 make ci")[2]

    commit(project, "chore: accept\n\nAccept-Differences: a new edition")
    text = make_ci(project, 0)
    assert "## 🟡 make ci" in text
    assert "- a new edition" in text


def test_a_model_that_is_gone_is_a_difference_until_a_commit_accepts_it(released_project, tmp_path):
    project = copy_project(released_project, tmp_path)
    (project / "models/staging/shown.sql").unlink()
    (project / "models/staging/extra.sql").write_text("select 1 as id\n", encoding="utf-8")
    text = make_ci(project, 1)
    assert "1 only in ci, 1 only in prod" in text
    assert built(text) == ["extra"]
    assert re.search(r"^\| 🔴 \| shown \|", text, re.MULTILINE), text
    assert re.search(r"^\| 🟡 \| extra \|", text, re.MULTILINE), text
    assert "**Failed**" not in text
    assert "Accept-Differences: shown: why" in text
    succeed("make", "ci", "ARGS=--only-parse", cwd=project)
    assert (project / "target/ci/summary.md").exists()
    commit(project, "feat!: show nothing\n\nAccept-Differences: nobody looked at it")
    assert "## 🟡 make ci" in make_ci(project, 0)


def test_what_fails_is_named_without_its_data(released_project, tmp_path):
    project = copy_project(released_project, tmp_path)
    replace(
        project / "models/staging/second.sql", "select number", "select cast('Ada ' || number as integer) as number"
    )
    text = make_ci(project, 1)
    summary = text.rpartition("## 🔴 make ci")[2]
    assert r"second \(models/staging/second.sql\): Conversion Error" in summary
    assert "Could not convert string 'Ada 1'" in text
    assert "Ada" not in summary


def test_prod_is_kept_as_artifacts_and_found_by_the_next_run(released_project, tmp_path, github):
    project = copy_project(released_project, tmp_path)
    assert "target/prod/prod.tar" in succeed("make", "ci-state-push", cwd=project).output
    assert "<html" in (project / "target/prod/pages/index.html").read_text(encoding="utf-8")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.write(project / "target/prod/prod.tar", "prod.tar")
    environment = {"GITHUB_API_URL": github.api.address, "GITHUB_REPOSITORY": REPOSITORY_NAME, "GITHUB_TOKEN": "t0ken"}
    shutil.rmtree(project / "warehouse/prod")
    replace(project / "pyproject.toml", 'code_host = "none"', 'code_host = "github"')
    commit(project, "chore: use GitHub")  # a release takes what is committed
    pull = ("make", "ci-state-pull")
    assert "There is no prod yet." in succeed(*pull, cwd=project, environment=clean_environment(**environment)).output
    github.keep("prod", content.getvalue())
    done = succeed(*pull, cwd=project, environment=clean_environment(**environment))
    assert "Prod is 0001-" in done.output
    make_release(project, "--accept", "one row more")
    assert sorted(path.name[:4] for path in (project / "warehouse/prod/releases").iterdir()) == ["0001", "0002"]


def test_a_project_without_models_passes(small_project, tmp_path):
    project = copy_project(small_project, tmp_path)
    for file in (*(project / "models/staging").iterdir(), *(project / "seeds").glob("*.csv")):
        file.unlink()
    done = dataops(project, "ci")
    assert "everything was built and tested, and nothing could be compared" in done.output, done


def test_nothing_can_be_checked_without_the_state_of_prod(released_project, tmp_path):
    project = copy_project(released_project, tmp_path)
    (manifest,) = (project / "warehouse/prod/releases").glob("*/manifest.json")
    manifest.write_text(manifest.read_text(encoding="utf-8")[:1000], encoding="utf-8")
    (project / "target/ci").mkdir(parents=True)
    (project / "target/ci/summary.md").write_text("of an earlier run", encoding="utf-8")
    text = make_ci(project, 2)
    assert "manifest.json cannot be read" in text
    assert "of an earlier run" not in text
    shutil.rmtree(project / "warehouse/prod/releases")
    assert "current leads to no version" in make_ci(project, 2)


def test_an_input_of_a_workflow_runs_nothing(released_project, tmp_path):
    """What is typed into the rollback's field comes to make as an environment variable."""
    project = copy_project(released_project, tmp_path)
    for value in ("$(shell touch made)", '"; touch made; "', "`touch made`", "$$(touch made)"):
        done = run("make", "rollback", cwd=project, environment=clean_environment(TO=value))
        assert done.code != 0
        assert not (project / "made").exists(), value


@pytest.mark.long
def test_from_a_pull_request_to_prod_on_github(ready_project, tmp_path, github):
    """One change after another, as a team would make them."""
    origin = copy_project(ready_project, tmp_path)
    runner = Runner(origin, tmp_path, github, github.api.address)
    start = head(origin)

    # A first pull request, before anything was released: everything is built, and that is said.
    checks, comments = runner.workflow("ci.yml", start, pull_request=1).values()
    assert failed(checks) == failed(comments) == []
    assert (tmp_path / "clone1" / origin.name / "warehouse/ci/ci_local.duckdb").exists()
    assert not list((tmp_path / "clone1" / origin.name / "warehouse/dev").glob("*.duckdb"))
    assert "There is no prod yet." in step(checks, "Get prod's version").done.output
    assert len(built(step(checks, "Build and compare").done.output)) == 29
    (comment,) = github.comments[1]
    assert "## 🟢 make ci" in comment["body"]
    assert "Prod has no version yet" in comment["body"]
    assert (tmp_path / "summary1.md").read_text(encoding="utf-8") in comment["body"]
    (artifact,) = github.artifacts
    with zipfile.ZipFile(io.BytesIO(artifact.content)) as files:
        assert {"ci/summary.md", "docs/index.html"} <= set(files.namelist())

    # Merged: the release publishes, and leaves prod for the next run.
    (steps,) = runner.workflow("release.yml", start).values()
    assert failed(steps) == []
    assert "prod is 0001-" in step(steps, "Release").done.output
    assert [one.name for one in github.artifacts[1:]] == ["prod", "current", "pages"]
    assert [(one.branch, one.key) for one in runner.caches] == [("change 1", "dbt-71"), ("main", "dbt-72")]

    # A change to one mart builds that mart and its children (an exposure) only, with the data of prod.
    replace(origin / CUSTOMERS, "select * from final", "-- The last step.\nselect * from final")
    change = commit(origin, "docs: say which step is the last")
    checks, comments = runner.workflow("ci.yml", change, set_up=False, pull_request=2, base=start).values()
    assert failed(checks) == failed(comments) == []
    assert built(step(checks, "Build and compare").done.output) == ["customers"]
    (comment,) = github.comments[2]
    assert "## 🟢 make ci" in comment["body"]
    assert "Since prod's version 0001-" in comment["body"]
    assert "1 the same" in comment["body"]
    log = (tmp_path / f"clone{runner.clones - 1}" / origin.name / "logs/dbt.log").read_text(encoding="utf-8")
    assert re.findall(r"Partial parsing enabled: .*", log)[0] == PARSED_AGAIN, "what main read is read once more"
    redirected = [headers for _, _, headers in github.downloads.requests]
    assert redirected and not any("Authorization" in headers for headers in redirected), "the token went elsewhere"

    # A breaking change in the same pull request turns the same comment red, and the run fails.
    drop_city(origin)
    breaking = commit(origin, "feat!: customers live nowhere")
    checks, comments = runner.workflow("ci.yml", breaking, set_up=False, pull_request=2, base=start).values()
    assert failed(checks) == ["Build and compare"]
    (comment,) = github.comments[2]
    assert "## 🔴 make ci" in comment["body"]
    assert "column removed: city" in comment["body"]
    assert comment["body"].count("breaks its contract: columns were removed: city") == 1
    assert len(github.comments[1]) == 1

    # A fork's run may not comment; its page has the summary.
    page = (tmp_path / f"summary{runner.runs}.md").read_text(encoding="utf-8")
    assert "## 🔴 make ci" in page

    # A commit accepts it, so the release publishes.
    accepted = commit(origin, "chore: accept it\n\nAccept-Differences: nobody reads the city")
    (steps,) = runner.workflow("release.yml", accepted, set_up=False).values()
    assert failed(steps) == []
    assert "prod is 0002-" in step(steps, "Release").done.output

    # The next pull request sees the new state: nothing of the last one is built again.
    other = commit(origin, "docs: nothing that dbt builds")
    checks, comments = runner.workflow("ci.yml", other, set_up=False, pull_request=3, base=accepted, fork=True).values()
    assert failed(checks) == []
    assert comments == []
    assert 3 not in github.comments
    output = step(checks, "Build and compare").done.output
    assert re.search(r"Nothing that dbt builds or tests differs from prod's version 0002-", output)

    # By hand: back to the version before, from the archive that the release left.
    (steps,) = runner.workflow("rollback.yml", accepted, set_up=False, inputs={"id": "1"}).values()
    assert failed(steps) == []
    assert "0001-" in step(steps, "Roll back").done.output

    # Every morning. What was rolled back from does not come back by itself: the run fails, and prod is kept as it is.
    (steps,) = runner.workflow("schedule.yml", accepted, set_up=False).values()
    assert "Release" in failed(steps)
    assert "was rolled back from" in step(steps, "Release").done.output
    assert {one.outcome for one in steps if one.name.startswith(("Keep prod", "Pack"))} == {"success"}

    # The next morning, with the change undone. Elementary's package is not here, so the step that needs it says so.
    succeed("git", "revert", "--no-edit", breaking, cwd=origin)
    (steps,) = runner.workflow("schedule.yml", head(origin), set_up=False).values()
    assert failed(steps) == ["Report"]
    assert "Elementary's dbt package is not installed" in step(steps, "Report").done.output
    assert "prod is 0003-" in step(steps, "Release").done.output
    assert github.artifacts[-1].name == "pages"


def test_a_run_that_stops_before_make_ci_turns_the_comment_red(ready_project, tmp_path, github):
    origin = copy_project(ready_project, tmp_path)
    runner = Runner(origin, tmp_path, github, github.api.address)
    start = head(origin)
    github.comments[4] = [
        {"id": 1, "user": {"login": "ada"}, "body": "<!-- make ci -->\nnot ours"},
        *({"id": number, "user": {"login": "ada"}, "body": "talk"} for number in range(2, 150)),
        {"id": 150, "user": {"login": "github-actions[bot]"}, "body": "<!-- make ci -->\n## 🟢 make ci\n"},
    ]
    github.refused = 403  # the API refuses prod, for one
    checks = runner.workflow("ci.yml", start, set_up=False, pull_request=4, fork=True)["check"]
    assert failed(checks) == ["Get prod's version"]
    assert (
        "answers 403 Forbidden. The job needs the permission actions: read."
        in step(checks, "Get prod's version").done.output
    )
    assert step(checks, "Build and compare").outcome == "skipped"

    github.refused = 0
    (origin / "Makefile").write_text(
        "ci-comment:\n\t@PYTHONPATH=packages/dataops/src python3 -m dataops.ci.hosts\n", encoding="utf-8"
    )
    change = commit(
        origin, "feat: remove all tasks"
    )  # make ci-state-pull fails; the comment's job runs the code of main
    checks, comments = runner.workflow("ci.yml", change, set_up=False, pull_request=4, base=start).values()
    assert failed(checks) == ["Get prod's version"]
    assert failed(comments) == []
    ours = [one for one in github.comments[4] if "The run stopped before there was a result" in one["body"]]
    assert [one["id"] for one in ours] == [150], "the comment that was there is written anew, on whatever page it is"
    assert len(github.comments[4]) == 150


@pytest.fixture(scope="module")
def released(ready_project, tmp_path_factory) -> Path:
    """A project whose prod has a version."""
    project = copy_project(ready_project, tmp_path_factory.mktemp("released"))
    succeed("make", "release", cwd=project)
    return project


@pytest.mark.long
def test_incremental_models_and_sources_start_from_prod(released, tmp_path):
    """A rule of the incremental mart changes: only orders that arrive anew get it, as in a release."""
    project = copy_project(released, tmp_path)
    replace(project / "models/marts/orders.sql", "        channel,\n", "        upper(channel) as channel,\n")
    replace(project / "models/staging/shop/base/base_shop__products.sql", "with source as", "-- anew\nwith source as")
    text = make_ci(project, 0)  # so few that the model's threshold allows them
    (orders,) = (
        model
        for model in json.loads((project / "target/crosscheck/result.json").read_text())["models"]
        if model["name"] == "orders"
    )
    compared = orders["comparison"]
    assert 0 < compared["rows_changed"] < compared["rows_base"]
    assert list(compared["changed_columns"]) == ["channel"]
    names = built(text)
    assert {"orders", "daily_revenue", "customers", "base_shop__products", "product_prices"} <= set(names)
    assert not {"raw_products", "raw_orders", "base_shop__orders", "stg_shop__customers"} & set(names)
    with duckdb.connect(str(project / "warehouse/ci/ci_local.duckdb"), read_only=True) as warehouse:
        not_null = warehouse.execute(
            "select count(*) from duckdb_constraints() where table_name = 'orders' and constraint_type = 'NOT NULL'"
        ).fetchone()
    assert not_null > (5,), "the constraints of prod's table came along"
    assert not (project / "warehouse/ci/ci_local_prod").exists()


@pytest.fixture(scope="module")
def on_gitlab(ready_project, tmp_path_factory) -> Path:
    """The project as it is generated for GitLab, with the tools of the other one."""
    project = make_project(tmp_path_factory.mktemp("gitlab"), ci="gitlab")
    git_init(project)
    commit(project, "feat: start the project")
    (project / ".venv").symlink_to(ready_project / ".venv")
    shutil.copytree(ready_project / "dbt_packages", project / "dbt_packages", symlinks=True)
    return project


@pytest.mark.long
def test_from_a_merge_request_to_prod_on_gitlab(on_gitlab, tmp_path):
    origin, host = on_gitlab, GitLab()
    jobs = yaml.safe_load((origin / ".gitlab-ci.yml").read_text(encoding="utf-8"))

    def job(name: str, clone: Path, **variables: str) -> list[tuple[str, int, str]]:
        """Runs the script of a job until a line fails: line, exit code, output. Set-up and lint are the other test's."""
        given = {"CI": "true", "CI_API_V4_URL": api.address, "CI_PROJECT_ID": "7", "CI_DEFAULT_BRANCH": "main"}
        given |= {"CI_MERGE_REQUEST_IID": "3", "CI_PIPELINE_URL": "https://gitlab.example/7/1", "CI_PIPELINE_ID": "7"}
        given |= {"CI_JOB_TOKEN": "j0b", "DBT_PACKAGE_HUB_URL": NO_HUB, **jobs[name].get("variables", {}), **variables}
        ran: list[tuple[str, int, str]] = []
        for line in jobs[name]["script"]:
            if line in ("make setup", "make lint"):
                continue
            done = run("bash", "-e", "-c", line, cwd=clone, environment=clean_environment(**given))
            ran.append((line, done.code, done.output))
            if done.code:
                break
        return ran

    def clone(name: str) -> Path:
        folder = tmp_path / name / origin.name
        succeed("git", "clone", "--quiet", origin, folder, cwd=tmp_path)
        cache = folder / jobs["default"]["cache"]["paths"][0]
        cache.mkdir(parents=True)
        (cache / "of_the_job_before").touch()
        (folder / ".venv").symlink_to((origin / ".venv").resolve())
        shutil.copytree(origin / "dbt_packages", folder / "dbt_packages", symlinks=True)
        return folder

    def keep(folder: Path) -> None:
        for file in (folder / "target/prod").glob("*.tar"):
            host.files[f"target/prod/{file.name}"] = file.read_bytes()

    with serving(host.answer) as api:
        first = clone("first")
        ran = job("release", first, PROD_TASK=jobs["release"]["rules"][1]["variables"]["PROD_TASK"])
        assert [code for _, code, _ in ran] == [0, 0, 0], ran
        assert "There is no prod yet." in ran[0][2]
        keep(first)

        drop_city(origin)
        commit(origin, "feat!: customers live nowhere")
        change = clone("change")
        ran = job("ci", change)
        assert ran[-1][0] == "make ci"
        assert ran[-1][1] != 0
        assert built(ran[-1][2]) == ["customers"]

        assert job("comment", change)[-1][1:] == (
            0,
            "CI_COMMENT_TOKEN is not set, so there is no comment. The summary is an artifact of the job ci.\n",
        )
        assert len(host.notes) == 131
        assert "Merge request 3 has a comment now." in job("comment", change, CI_COMMENT_TOKEN="t0ken")[-1][2]
        (change / "target/ci/summary.md").unlink()
        assert "is up to date" in job("comment", change, CI_COMMENT_TOKEN="t0ken")[-1][2]
        assert len(host.notes) == 132
        assert "The run stopped before there was a result" in host.notes[-1]["body"]

        commit(origin, "chore: accept it\n\nAccept-Differences: nobody reads the city")
        second = clone("second")
        ran = job("release", second, PROD_TASK="release")
        assert [code for _, code, _ in ran] == [0, 0, 0], ran
        assert "prod is 0002-" in ran[1][2]
        keep(second)
        back = job("release", clone("back"), PROD_TASK="rollback")
        assert [code for _, code, _ in back] == [0, 0, 0], back
        assert "0001-" in back[1][2]
        sources = job("freshness", clone("sources"))
        assert [code for _, code, _ in sources] == [0, 0], sources


@pytest.mark.long
def test_a_mart_that_is_gone_breaks_its_contract_until_a_commit_accepts_it(released, tmp_path):
    project = copy_project(released, tmp_path)
    for file in (project / "models/marts").glob("products.*"):
        file.unlink()
    replace(project / "models/exposures.yml", "      - ref('products')\n", "")
    (project / "models/marts/extra.sql").write_text("select 1 as id\n", encoding="utf-8")
    (project / "models/marts/extra.yml").write_text(
        "version: 2\n\nmodels:\n  - name: extra\n    description: One row.\n    config: {contract: {enforced: false}}\n",
        encoding="utf-8",
    )
    text = make_ci(project, 1)
    assert "1 only in ci, 1 only in prod" in text
    assert built(text) == ["extra"]
    broken = r"^\| 🔴 \| products \| .*breaks its contract: the model was deleted or renamed"
    assert len(re.findall(broken, text, re.MULTILINE)) == 1, text
    assert "WARNING" not in text, "dbt warns of it once for each look at prod's manifest"
    assert "**Failed**" not in text
    assert re.search(r"^\| 🟡 \| extra \|", text, re.MULTILINE), text
    succeed("make", "ci", "ARGS=--only-parse", cwd=project)
    assert (project / "target/ci/summary.md").exists()
    commit(project, "feat!: sell nothing\n\nAccept-Differences: customers: another model than this one")
    text = make_ci(project, 1)
    assert "Accept-Differences: products: why" in text.replace("\\", "")
    assert "products differs" not in text, "the broken contract says it"
    assert len(re.findall(broken, text, re.MULTILINE)) == 1, text
    commit(project, "feat!: sell nothing\n\nAccept-Differences: prodcts: misspelt")
    commit(project, "feat!: sell nothing\n\nAccept-Differences: the shop sells services now")
    text = make_ci(project, 0)
    assert "## 🟡 make ci" in text
    assert "- the shop sells services now" in text
    note = "names prodcts, which is not a model (did you mean products?): it accepts nothing"
    assert 0 < text.index(note) < text.index("2/4")
    assert note.replace("(", r"\(").replace(")", r"\)").replace("?", "?") in text.rpartition("## 🟡 make ci")[2]


@pytest.mark.long
def test_a_broken_contract_is_red_once_though_no_row_differs(released, tmp_path):
    project = copy_project(released, tmp_path)
    not_null = "        data_type: bigint\n        constraints:\n          - type: not_null\n"
    yaml = project / "models/marts/customers.yml"
    text = yaml.read_text(encoding="utf-8")
    yaml.write_text(text.replace(not_null, "        data_type: bigint\n", 1), encoding="utf-8")
    text = make_ci(project, 1)
    summary = text.rpartition("## 🔴 make ci")[2]
    broken = "breaks its contract: enforced column level constraints were removed: not_null on column customer_id"
    assert len(re.findall(rf"^\| 🔴 \| customers \| .*{broken}", summary, re.MULTILINE)) == 1, summary
    assert "🟢 | customers" not in summary
    assert summary.count("breaks its contract") == 1
    assert "To keep the contract, add a new version of the model" in summary
    assert "WARNING" not in text
