"""Generated projects, unpatched, as their user meets them: every option, each with every other."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import tomllib
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.helpers import (
    REPOSITORY,
    cookiecutter,
    copy_project,
    git_init,
    make_project,
    run,
    succeed,
)

CONTEXT = json.loads((REPOSITORY / "cookiecutter.json").read_text(encoding="utf-8"))
OPTIONS = {name: values for name, values in CONTEXT.items() if isinstance(values, list) and not name.startswith("_")}


def pairs_of(combination: dict[str, str]) -> set[tuple]:
    """Every two options with their values."""
    return set(itertools.combinations(combination.items(), 2))


def all_pairs() -> list[dict[str, str]]:
    """Few combinations that together hold every pair of values of any two options.

    Alerts without monitoring are refused, so no combination has them (tests/test_answers.py).
    """
    every = [dict(zip(OPTIONS, values, strict=True)) for values in itertools.product(*OPTIONS.values())]
    every = [one for one in every if one["monitoring"] == "elementary" or one["alerts"] == "none"]
    missing, chosen = set().union(*map(pairs_of, every)), []
    while missing:
        chosen.append(max(every, key=lambda one: len(pairs_of(one) & missing)))
        missing -= pairs_of(chosen[-1])
    return chosen


COMBINATIONS = all_pairs()

EVERY_PROJECT = """
.editorconfig .env.example .gitattributes .gitignore .pre-commit-config.yaml .sqlfluff .sqlfluffignore .yamllint
CODEOWNERS CONTRIBUTING.md Makefile README.md dbt-bouncer.yml dbt_project.yml packages.yml profiles.yml pyproject.toml
analyses/.gitkeep
docs/ci.md docs/crosscheck.md docs/marts.md docs/quarantine.md docs/releasing.md docs/rollback.md docs/runbook.md docs/unit-tests.md
docs/versions.md docs/ways-of-working.md
macros/create_schema.sql macros/create_schema.yml macros/generate_schema_name.sql macros/generate_schema_name.yml
models/groups.yml models/overview.md
scripts/ready.sh
packages/dataops/pyproject.toml
packages/dataops/dbt_project.yml
warehouse/ci/.gitkeep warehouse/dev/.gitkeep warehouse/prod/.gitkeep
""".split()
ONLY_WITH = {
    ("ci", "github"): """
        .github/ISSUE_TEMPLATE/change_request.md .github/ISSUE_TEMPLATE/data_problem.md .github/pull_request_template.md
        .github/workflows/ci.yml .github/workflows/release.yml .github/workflows/rollback.yml .github/workflows/schedule.yml
    """.split(),
    ("ci", "gitlab"): """
        .gitlab-ci.yml .gitlab/issue_templates/change_request.md .gitlab/issue_templates/data_problem.md
        .gitlab/merge_request_templates/Default.md
    """.split(),
    ("ci", "none"): [],
    ("warehouse", "duckdb"): [],
    ("monitoring", "elementary"): """
        docs/monitoring.md docs/runbook/column-values.md docs/runbook/columns.md docs/runbook/data-test.md
        docs/runbook/dimension.md docs/runbook/exposure.md docs/runbook/freshness.md docs/runbook/model.md
        docs/runbook/release.md docs/runbook/source-freshness.md docs/runbook/volume.md
        macros/elementary.sql macros/elementary.yml
    """.split(),
    ("monitoring", "none"): [],
    ("alerts", "none"): [],
    ("alerts", "slack"): [],
    ("alerts", "teams"): [],
    ("example", "yes"): """
        docs/sample-data.md models/exposures.yml scripts/sample.sha256 scripts/sample_data.py
        snapshots/product_prices.yml
        models/intermediate/int_order_items__by_order.sql models/intermediate/int_order_items__by_order.yml
        models/intermediate/int_orders__enriched.sql models/intermediate/int_orders__enriched.yml
        models/intermediate/int_payments__by_order.sql models/intermediate/int_payments__by_order.yml
        models/marts/customers.sql models/marts/customers.yml
        models/marts/daily_revenue.yml models/marts/daily_revenue_v1.sql models/marts/daily_revenue_v2.sql
        models/marts/orders.sql models/marts/orders.yml
        models/marts/products.sql models/marts/products.yml
        models/staging/shop/_shop__sources.yml
        models/staging/shop/base/base_shop__customers.sql models/staging/shop/base/base_shop__customers.yml
        models/staging/shop/stg_shop__customers.sql models/staging/shop/stg_shop__customers.yml
        models/staging/shop/stg_shop__customers__rejected.sql models/staging/shop/stg_shop__customers__rejected.yml
        models/staging/shop/base/base_shop__order_items.sql models/staging/shop/base/base_shop__order_items.yml
        models/staging/shop/stg_shop__order_items.sql models/staging/shop/stg_shop__order_items.yml
        models/staging/shop/stg_shop__order_items__rejected.sql models/staging/shop/stg_shop__order_items__rejected.yml
        models/staging/shop/base/base_shop__orders.sql models/staging/shop/base/base_shop__orders.yml
        models/staging/shop/stg_shop__orders.sql models/staging/shop/stg_shop__orders.yml
        models/staging/shop/stg_shop__orders__rejected.sql models/staging/shop/stg_shop__orders__rejected.yml
        models/staging/shop/base/base_shop__payments.sql models/staging/shop/base/base_shop__payments.yml
        models/staging/shop/stg_shop__payments.sql models/staging/shop/stg_shop__payments.yml
        models/staging/shop/stg_shop__payments__rejected.sql models/staging/shop/stg_shop__payments__rejected.yml
        models/staging/shop/base/base_shop__products.sql models/staging/shop/base/base_shop__products.yml
        models/staging/shop/stg_shop__products.sql models/staging/shop/stg_shop__products.yml
        models/staging/shop/stg_shop__products__rejected.sql models/staging/shop/stg_shop__products__rejected.yml
        seeds/shop/_shop__seeds.yml seeds/shop/raw_customers.csv seeds/shop/raw_order_items.csv
        seeds/shop/raw_orders.csv seeds/shop/raw_payments.csv seeds/shop/raw_products.csv
        tests/_tests.yml tests/orders_reconcile_with_payments.sql
    """.split(),
    ("example", "no"): """
        models/intermediate/.gitkeep models/marts/.gitkeep models/staging/.gitkeep seeds/.gitkeep snapshots/.gitkeep
        tests/.gitkeep
    """.split(),
}


def name_of(combination: dict[str, str]) -> str:
    return "-".join(combination.values())


def files_of(project: Path) -> set[str]:
    return {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}


def expected_files(combination: dict[str, str]) -> set[str]:
    carried = [
        *(REPOSITORY / "macros").rglob("*.*"),
        *(REPOSITORY / "src").rglob("*.py"),
        *(REPOSITORY / "src").rglob("*.j2"),
    ]
    package = {f"packages/dataops/{path.relative_to(REPOSITORY)}" for path in carried}
    chosen = [file for option in combination.items() for file in ONLY_WITH[option]]
    return {*EVERY_PROJECT, *package, *chosen}


@pytest.fixture(params=COMBINATIONS, ids=name_of)
def combination(request) -> dict[str, str]:
    return request.param


@pytest.fixture
def project(combination, tmp_path) -> Path:
    return make_project(tmp_path / "made", **combination)


def test_a_project_has_exactly_its_files(project, combination):
    assert files_of(project) == expected_files(combination)
    assert not [path for path in project.rglob("*") if path.is_symlink()]


def test_every_file_can_be_read_and_holds_nothing_of_the_template(project):
    for name in files_of(project):
        text = (project / name).read_text(encoding="utf-8")
        assert "cookiecutter" not in text, name
        if name.endswith((".yml", ".yaml")) or name == ".yamllint":
            assert list(yaml.safe_load_all(text)), name
        elif name.endswith(".toml"):
            tomllib.loads(text)
        if not name.endswith((".sql", ".yml", ".md", ".py", ".j2")):
            assert "{%" not in text, name
        assert text == "" or (text.endswith("\n") and not text.endswith("\n\n")), name


def test_without_monitoring_nothing_speaks_of_elementary(project, combination):
    ours = [name for name in files_of(project) if not name.startswith("packages/") and name != "Makefile"]
    speaking = [name for name in ours if "elementary" in (project / name).read_text("utf-8").lower()]
    assert bool(speaking) == (combination["monitoring"] == "elementary"), speaking
    assert not [name for name in files_of(project) if "monitoring>" in (project / name).read_text("utf-8")]


def test_it_sets_up_builds_lints_and_commits(project, combination):
    """The README's first steps, and then the same again."""
    git_init(project)
    first = succeed("make", "setup", cwd=project)
    assert "pre-commit, commit-msg, pre-push: installed" in first.output
    assert re.search(r"^    \d+ packages: dbt-core 1\.11\.\d+, .*; Python 3\.1\d", first.output, re.MULTILINE), first
    assert len(first.output.splitlines()) < 25, first  # no line for each package
    assert first.output.splitlines()[-1] == "Ready. Next: make build"

    build = succeed("make", "build", cwd=project)
    assert_clean(build.output, combination)
    succeed("make", "lint", cwd=project)

    succeed("git", "add", "--all", cwd=project)
    staged = succeed("git", "diff", "--cached", "--stat", cwd=project).output
    commit = succeed("git", "commit", "-m", "feat: start the project", cwd=project)
    assert "Failed" not in commit.output
    assert succeed("git", "status", "--porcelain", cwd=project).output == ""
    assert "warehouse/dev/.gitkeep" in staged
    assert ".duckdb" not in staged
    assert ".venv" not in staged

    assert_clean(succeed("make", "build", cwd=project).output, combination)
    again = succeed("make", "setup", cwd=project)
    assert again.output.splitlines()[-1] == "Ready. Next: make build"
    assert succeed("git", "status", "--porcelain", cwd=project).output == ""

    # Typed by hand. Where there is something to build, with every warning an error ("Nothing to do" is one)
    strict = ["--warn-error-options", '{"error": "all"}'] if combination["example"] == "yes" else []
    by_hand = succeed(".venv/bin/dbt", *strict, "build", cwd=project)
    assert_clean(by_hand.output, combination)


def assert_clean(output: str, combination: dict[str, str]) -> None:
    """No warning of any kind, and every node built (there are none without the sample)."""
    assert "eprecat" not in output, output
    assert "arning" not in output.replace("and 0 warnings", ""), output
    if combination["example"] == "yes":
        assert "WARN=0 ERROR=0 SKIP=0" in output, output
        assert "PASS=140" in output, output
    else:
        assert "Nothing to do" in output, output


def test_a_clone_in_a_path_with_spaces_sets_up_and_builds(ready_project, tmp_path):
    clone = tmp_path / "a folder with spaces" / "corner shop"
    clone.parent.mkdir()
    succeed("git", "clone", "--quiet", ready_project, clone, cwd=tmp_path)
    ignored = succeed("git", "status", "--porcelain", "--ignored", cwd=clone).output
    assert ignored == ""
    git_init(clone)
    succeed("make", "setup", cwd=clone)
    assert "PASS=140" in succeed("make", "build", cwd=clone).output
    succeed(".venv/bin/dbt", "--quiet", "show", "--select", "path:models", "--limit", "1", cwd=clone)
    succeed("make", "lint", cwd=clone)
    (clone / "CODEOWNERS").write_text("* @corner-shop/data @corner-shop/shop\n")
    succeed("git", "commit", "-a", "-m", "chore: add an owner", cwd=clone)


def test_before_setup_a_task_says_what_to_type(tmp_path):
    project = make_project(tmp_path)
    for task in ("build", "test", "lint", "format", "docs", "check", "sample", "remove-sample"):
        done = run("make", task, cwd=project)
        assert done.code != 0
        assert "make setup" in done.output.splitlines()[0], done


def test_setup_says_why_hooks_were_not_installed(ready_project, tmp_path):
    project = copy_project(ready_project, tmp_path)
    succeed("git", "config", "core.hooksPath", "shared-hooks", cwd=project)
    assert "git is told to take hooks from shared-hooks" in succeed("make", "setup", cwd=project).output

    shutil.rmtree(project / ".git")
    assert "no git repository yet" in succeed("make", "setup", cwd=project).output
    succeed("git", "init", "-q", cwd=tmp_path)
    assert f"the git repository is {tmp_path.resolve()}" in succeed("make", "setup", cwd=project).output


def test_the_first_source_of_the_readme_works(tmp_path):
    """Follows `example=no`'s README to the letter."""
    project = make_project(tmp_path, example="no", ci="none")
    readme = (project / "README.md").read_text(encoding="utf-8")
    section = readme.split("## The first source and model")[1].split("\n## ")[0]
    written = re.findall(r"`((?:data|models)/[^`]+)`:\n\n    ```\w+\n(.*?)    ```\n", section, re.DOTALL)
    assert [Path(name).name for name, _ in written] == [
        "invoices.csv",
        "_erp__sources.yml",
        "stg_erp__invoices.sql",
        "stg_erp__invoices.yml",
    ]
    for name, content in written:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(re.sub(r"^    ", "", content, flags=re.MULTILINE), encoding="utf-8")
    succeed("make", "setup", cwd=project)
    build = succeed("make", "build", cwd=project).output
    assert "PASS=5 WARN=0 ERROR=0" in build
    assert "created sql table model dev_staging.stg_erp__invoices" in build, "prod would show the file as it is now"
    succeed("make", "lint", "test", "docs", cwd=project)
    shown = succeed(".venv/bin/dbt", "show", "--select", "stg_erp__invoices", cwd=project).output
    assert "19.9" in shown
    assert "not a number" not in shown

    git_init(project)
    succeed("git", "add", "--all", cwd=project)
    succeed("git", "commit", "--quiet", "--no-verify", "-m", "feat: invoices", cwd=project)
    succeed("make", "release", cwd=project)
    prod = project / "warehouse/prod/current/prod.duckdb"
    rows = "select invoice_id, amount from staging.stg_erp__invoices order by all"
    with duckdb.connect(str(prod), read_only=True) as connection:
        released = connection.execute(rows).fetchall()
    assert released == [(1, Decimal("19.90")), (2, None)]
    (project / "data/erp/invoices.csv").write_text("id,total,loaded_at\n3,1.00,2026-02-01 06:00:00\n", encoding="utf-8")
    with duckdb.connect(str(prod), read_only=True) as connection:
        assert connection.execute(rows).fetchall() == released


def test_a_path_that_dbt_cannot_read_is_refused(ready_project, tmp_path):
    project = copy_project(ready_project, tmp_path / "ada's projects")
    done = run(".venv/bin/dataops", "setup", cwd=project)
    assert done.code != 0
    assert "a folder with an apostrophe in its path" in done.output


def test_links_in_the_pages_lead_somewhere(tmp_path):
    folders = [REPOSITORY, *(make_project(tmp_path / host, ci=host) for host in OPTIONS["ci"])]
    for folder in folders:
        pages = [
            folder / "README.md",
            folder / "CHANGELOG.md",
            *(folder / "docs").rglob("*.md"),
            folder / "CONTRIBUTING.md",
        ]
        for page in filter(Path.exists, pages):
            for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
                assert (page.parent / target).exists(), f"{page}: {target}"


def test_an_unknown_choice_is_refused(tmp_path):
    done = cookiecutter(tmp_path / "out", ci="jenkins")
    assert done.code != 0
    assert "jenkins" in done.output
    assert not any((tmp_path / "out").iterdir())
