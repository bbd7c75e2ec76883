"""Each git hook of a generated project stops what it is for and says what is wrong: real commits and real pushes."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
import yaml

from tests.helpers import Done, copy_project, git_init, make_project, run, succeed

CONFIG = ".pre-commit-config.yaml"
GIT_STAGES = {"pre-commit", "commit-msg", "pre-push"}
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


# Changes to a project


def write(project: Path, file: str, text: str) -> None:
    """Writes a file, new or not."""
    path = project / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def append(project: Path, file: str, text: str) -> None:
    """Adds to the end of a file."""
    write(project, file, (project / file).read_text(encoding="utf-8") + text)


def replace(project: Path, file: str, pattern: str, new: str) -> None:
    """Replaces the first match of a pattern (a line's start and end are ^ and $)."""
    text, count = re.subn(
        pattern, lambda _: new, (project / file).read_text(encoding="utf-8"), count=1, flags=re.MULTILINE
    )
    assert count == 1, f"{file} has no {pattern!r}: the case does not fit the template any more"
    write(project, file, text)


def remove(project: Path, file: str, pattern: str) -> None:
    """Removes the first line that holds a pattern."""
    replace(project, file, rf"^.*{pattern}.*\n", "")


def writing(file: str, text: str) -> Callable[[Path], None]:
    return lambda project: write(project, file, text)


def appending(file: str, text: str) -> Callable[[Path], None]:
    return lambda project: append(project, file, text)


def replacing(file: str, pattern: str, new: str) -> Callable[[Path], None]:
    return lambda project: replace(project, file, pattern, new)


def removing(file: str, pattern: str) -> Callable[[Path], None]:
    return lambda project: remove(project, file, pattern)


def adding_model(file: str, source: str = "ref('stg_shop__products')") -> Callable[[Path], None]:
    """A new model of one column, complete with its YAML: whatever is wrong with it is its place, name or source."""

    def add(project: Path) -> None:
        name = Path(file).stem
        write(project, file, f"select cast(product_id as bigint) as product_id\nfrom {{{{ {source} }}}}\n")
        write(
            project,
            str(Path(file).with_suffix(".yml")),
            f"""\
version: 2

models:
  - name: {name}
    description: Numbers of the products. One row per product.
    config:
      meta:
        owner: data
    columns:
      - name: product_id
        description: Identifies the product.
        data_type: bigint
        data_tests:
          - unique
""",
        )

    return add


# Put together here, so that a scan of this repository does not stumble over them.
CONFLICT = f"\n{'<' * 7} HEAD\nours\n{'=' * 7}\ntheirs\n{'>' * 7} feature\n"
PRIVATE_KEY = f"-----BEGIN RSA {'PRIVATE'} KEY-----\nMIIEow\n"
ACCESS_KEY = "AKIA" + "Q3EGRQ7LXN" + "5XKJ2M"

MARTS = "models/marts"
STAGING = "models/staging/shop"
INTERMEDIATE = "models/intermediate"
SOURCES = f"{STAGING}/_shop__sources.yml"
SEEDS = "seeds/shop/_shop__seeds.yml"
SNAPSHOT = "snapshots/product_prices.yml"
EXPOSURES = "models/exposures.yml"
WORKFLOW = ".github/workflows/ci.yml"


@dataclass(frozen=True)
class Case:
    """A change that a hook must refuse.

    Args:
        hook: the hook's id; it alone stops the change, or together with those of `also`.
        change: makes the change in a project.
        says: what must be readable in the output, line breaks and colours aside.
        also: ids of further hooks that rightly stop the same change.
    """

    hook: str
    change: Callable[[Path], None]
    says: tuple[str, ...]
    also: tuple[str, ...] = ()


# The first case of each hook touches a file of its own: `make lint` gets all of them at once.
COMMITS = {
    "conflict-markers": Case(
        "merge-conflict",
        appending("models/overview.md", CONFLICT),
        ("models/overview.md:", "Merge conflict string '<<<<<<<' found"),
    ),
    "large-new-file": Case(
        "large-file",
        writing("docs/history.duckdb", "\0" * 1_200_000),
        ("docs/history.duckdb (1172 KB) exceeds 1024 KB.",),
    ),
    "large-grown-file": Case(
        "large-file",
        appending("seeds/shop/raw_products.csv", "99,Oat milk,Pantry,1.00,2026-01-01 23:30:00\n" * 30_000),
        ("seeds/shop/raw_products.csv", "exceeds 1024 KB."),
    ),
    "private-key": Case(
        "private-key",
        writing("deploy_key.pem", PRIVATE_KEY),
        ("Private key found: deploy_key.pem",),
        also=("secrets",),
    ),
    "secret-in-yaml": Case(
        "secrets",
        writing("loader.yml", f"loader:\n  aws_access_key_id: {ACCESS_KEY}\n"),
        ("Secret Type: AWS Access Key", "Location: loader.yml:2"),
    ),
    "secret-in-python": Case(
        "secrets",
        writing("scripts/loader.py", f'ACCESS_KEY = "{ACCESS_KEY}"\n'),
        ("Secret Type: AWS Access Key", "Location: scripts/loader.py:1"),
    ),
    "no-newline-at-end": Case(
        "end-of-file",
        writing("docs/plan.md", "# Plan"),
        ("Fixing docs/plan.md",),
    ),
    "trailing-spaces": Case(
        "trailing-whitespace",
        replacing(f"{MARTS}/customers.sql", "select \\* from final$", "select * from final   "),
        (f"Fixing {MARTS}/customers.sql",),
    ),
    "broken-toml": Case(
        "toml",
        writing("settings.toml", "[load\nat = 1\n"),
        ("settings.toml: Expected ']' at the end of a table declaration (at line 1, column 6)",),
    ),
    "key-twice-in-yaml": Case(
        "yamllint",
        replacing("profiles.yml", "^( +)schema: ci$", "      schema: ci\n      schema: ci2"),
        ("profiles.yml", 'duplication of key "schema" in mapping (key-duplicates)'),
    ),
    "misspelt-key-of-a-model": Case(
        "dbt-schema",
        replacing(f"{MARTS}/products.yml", "^        description:", "        descripton:"),
        (f"{MARTS}/products.yml::$.models[0].columns[0]:", "('descripton' was unexpected)"),
    ),
    "misspelt-key-of-a-version": Case(
        "dbt-schema",
        replacing(f"{MARTS}/daily_revenue.yml", "^        data_tests: \\[\\]", "        data_tets: []"),
        (f"{MARTS}/daily_revenue.yml::$.models[0].versions[0]:", "('data_tets' was unexpected)"),
    ),
    "misspelt-key-of-a-source": Case(
        "dbt-schema",
        replacing(SOURCES, "^    loader:", "    loadr:"),
        (f"{SOURCES}::$.sources[0]:", "('loadr' was unexpected)"),
    ),
    "misspelt-key-of-the-project": Case(
        "dbt-schema",
        replacing("dbt_project.yml", "^model-paths:", "models-path:"),
        ("dbt_project.yml::$:", "('models-path' was unexpected)"),
    ),
    "misspelt-key-of-a-workflow": Case(
        "ci-schema",
        replacing(WORKFLOW, "timeout-minutes:", "timeout-minuts:"),
        (f"{WORKFLOW}::$.jobs.", "('timeout-minuts' was unexpected)"),
    ),
    "code-from-outside-in-a-workflow": Case(
        "ci-security",
        writing(
            ".github/workflows/greet.yml",
            """\
name: greet
on: pull_request
permissions: {}
concurrency:
  group: greet
jobs:
  greet:
    name: greet
    runs-on: ubuntu-24.04
    steps:
      - name: Greet
        run: echo "${{ github.event.pull_request.title }}"
""",
        ),
        ("error[template-injection]", "--> .github/workflows/greet.yml:12:"),
    ),
    "action-without-hash": Case(
        "ci-security",
        replacing(WORKFLOW, "uses: actions/checkout@.*$", "uses: actions/checkout@v7"),
        ("error[unpinned-uses]", f"--> {WORKFLOW}:", "action is not pinned to a hash"),
    ),
    "badly-formatted-python": Case(
        "ruff-format",
        writing("scripts/weather.py", 'DEGREES = {  "today":12 }\n'),
        ("--> scripts/weather.py:1:",),
    ),
    "unused-import": Case(
        "ruff",
        writing("scripts/unused.py", "import json\n"),
        ("F401", "`json` imported but unused", "--> scripts/unused.py:1:8"),
    ),
    "upper-case-keywords": Case(
        "sqlfluff",
        replacing(f"{MARTS}/daily_revenue_v2.sql", "select \\* from final", "SELECT * FROM final"),
        (f"[{MARTS}/daily_revenue_v2.sql] FAIL", "CP01", "Keywords must be lower case. [capitalisation.keywords]"),
    ),
    "sql-that-is-none": Case(
        "sqlfluff",
        replacing(f"{MARTS}/daily_revenue_v2.sql", "^    from by_day$", "    form by_day"),
        (f"[{MARTS}/daily_revenue_v2.sql] FAIL", "PRS", "Found unparsable section: 'form by_day"),
    ),
    "macro-that-the-package-lacks": Case(
        "sqlfluff",
        replacing(f"{MARTS}/daily_revenue_v2.sql", "dataops.audit_columns", "dataops.audit_colums"),
        (f"[{MARTS}/daily_revenue_v2.sql] FAIL", "the package dataops has no macro audit_colums"),
    ),
    "macro-that-nobody-defines": Case(
        "sqlfluff",
        replacing(f"{MARTS}/daily_revenue_v2.sql", "dataops.audit_columns", "audit_colums"),
        (f"[{MARTS}/daily_revenue_v2.sql] FAIL", "Undefined jinja template variable: 'audit_colums'"),
    ),
    "macro-with-an-argument-too-many": Case(
        "sqlfluff",
        replacing(f"{STAGING}/base/base_shop__products.sql", "'bigint'\\)", "'bigint', 0)"),
        (f"[{STAGING}/base/base_shop__products.sql] FAIL", "macro 'try_cast' takes not more than 2 argument(s)"),
    ),
    "macro-without-an-argument": Case(
        "sqlfluff",
        replacing(f"{STAGING}/base/base_shop__products.sql", ", 'bigint'\\)", ")"),
        (f"[{STAGING}/base/base_shop__products.sql] FAIL", "PRS", "Found unparsable section"),
    ),
}

# Commit messages, and what is said of them.
MESSAGES = {
    "without-a-type": ("add a column", "Expected value for type from: build, chore, ci, docs, feat, fix"),
    "unknown-type": ("feature: add a column", "type(scope): subject"),
    "without-a-space": ("feat:add a column", "Expected value for subject but found none."),
}

# dbt itself: what it cannot resolve, and what it only warns of by default.
DBT = {
    "model-that-does-not-exist": (
        replacing(f"{MARTS}/products.sql", "ref\\('stg_shop__products'\\)", "ref('stg_shop__product')"),
        f"Model 'model.corner_shop.products' ({MARTS}/products.sql) depends on a node named 'stg_shop__product'",
    ),
    "source-that-does-not-exist": (
        replacing(
            f"{STAGING}/base/base_shop__products.sql", "source\\('shop', 'raw_products'\\)", "source('shop', 'goods')"
        ),
        f"({STAGING}/base/base_shop__products.sql) depends on a source named 'shop.goods' which was not found",
    ),
    "test-against-a-model-that-does-not-exist": (
        replacing(f"{MARTS}/orders.yml", "ref\\('customers'\\)", "ref('custmers')"),
        f"({MARTS}/orders.yml) depends on a node named 'custmers'",
    ),
    "yaml-of-a-model-that-does-not-exist": (
        replacing(f"{MARTS}/products.yml", "  - name: products$", "  - name: product"),
        f"with name 'product' in the 'models' section of file '{MARTS}/products.yml'",
    ),
}


@dataclass(frozen=True)
class Violation:
    """Something that a rule of dbt-bouncer.yml refuses."""

    rule: str
    file: str
    says: str
    change: Callable[[Path], None]


# One for each entry of dbt-bouncer.yml; those with the same file do not get into each other's way.
GOVERNANCE = {
    "model-without-description": Violation(
        "check_model_description_populated",
        f"{MARTS}/customers.sql",
        "`customers` does not have a populated description.",
        removing(f"{MARTS}/customers.yml", "^    description: "),
    ),
    "column-without-description": Violation(
        "check_model_column_description_populated",
        f"{MARTS}/products.sql",
        "`products` has columns that do not have a populated description: ['product_id']",
        removing(f"{MARTS}/products.yml", "^        description: "),
    ),
    "model-without-owner": Violation(
        "check_model_has_meta_keys",
        f"{MARTS}/orders.sql",
        "`orders` is missing the following keys from the `meta` config: ['owner']",
        replacing(f"{MARTS}/orders.yml", "^        owner:", "        contact:"),
    ),
    "model-without-unique-test": Violation(
        "check_model_has_unique_test",
        f"{MARTS}/daily_revenue_v2.sql",
        "`daily_revenue_v2` does not have a test for uniqueness of a column.",
        removing(f"{MARTS}/daily_revenue.yml", "^          - unique$"),
    ),
    "mart-that-reads-a-source": Violation(
        "check_lineage_source_cannot_be_used",
        f"{MARTS}/prices.sql",
        "`prices` references a source even though this is not permitted.",
        adding_model(f"{MARTS}/prices.sql", "source('shop', 'raw_products')"),
    ),
    "staging-model-with-a-wrong-name": Violation(
        "check_model_names",
        f"{STAGING}/shop_prices.sql",
        "`shop_prices` does not match the supplied regex",
        adding_model(f"{STAGING}/shop_prices.sql", "source('shop', 'raw_products')"),
    ),
    "intermediate-model-with-a-wrong-name": Violation(
        "check_model_names",
        f"{INTERMEDIATE}/prices__by_product.sql",
        "`prices__by_product` does not match the supplied regex",
        adding_model(f"{INTERMEDIATE}/prices__by_product.sql"),
    ),
    "mart-with-a-wrong-name": Violation(
        "check_model_names",
        f"{MARTS}/int_prices.sql",
        "`int_prices` does not match the supplied regex",
        adding_model(f"{MARTS}/int_prices.sql"),
    ),
    "model-outside-the-layers": Violation(
        "check_model_directories",
        "models/reports/price_report.sql",
        "`price_report` is located in the `reports` sub-directory",
        adding_model("models/reports/price_report.sql"),
    ),
    "staging-model-that-reads-a-mart": Violation(
        "check_lineage_permitted_upstream_models",
        f"{STAGING}/stg_shop__sold.sql",
        "`stg_shop__sold` references upstream models that are not permitted: ['customers']",
        adding_model(f"{STAGING}/stg_shop__sold.sql", "ref('customers')"),
    ),
    "intermediate-model-that-reads-a-mart": Violation(
        "check_lineage_permitted_upstream_models",
        f"{INTERMEDIATE}/int_sold.sql",
        "`int_sold` references upstream models that are not permitted: ['customers']",
        adding_model(f"{INTERMEDIATE}/int_sold.sql", "ref('customers')"),
    ),
    "view-of-a-source": Violation(
        "check_model_of_source_holds_its_rows",
        f"{STAGING}/stg_shop__price_list.sql",
        "`stg_shop__price_list` is materialized as view, but reads a source, so prod would change whenever the source does."
        " Add this line at its top: {{ config(materialized='table') }}",
        adding_model(f"{STAGING}/stg_shop__price_list.sql", "source('shop', 'raw_products')"),
    ),
    "base-model-that-is-a-view": Violation(
        "check_base_model_holds_its_rows",
        f"{STAGING}/base/base_shop__baskets.sql",
        "`base_shop__baskets` is materialized as view, but is a base model, whose rows are judged once, not again by each"
        " reader. In its config(...), write: materialized='table'",
        lambda project: (
            adding_model(f"{STAGING}/base/base_shop__baskets.sql")(project),
            replace(project, f"{STAGING}/base/base_shop__baskets.sql", "^", "{{ config(materialized='view') }}\n\n"),
        ),
    ),
    "yaml-in-another-folder": Violation(
        "check_model_documented_in_same_directory",
        f"{STAGING}/stg_shop__payments.sql",
        "`stg_shop__payments` is documented in a different directory",
        lambda project: (project / STAGING / "stg_shop__payments.yml").rename(project / "models" / "payments.yml"),
    ),
    "mart-without-contract": Violation(
        "check_model_contract_enforced_for_public_model",
        f"{MARTS}/loose_prices.sql",
        "`loose_prices` is a public model but does not have contracts enforced.",
        lambda project: (
            adding_model(f"{MARTS}/loose_prices.sql")(project),
            replace(
                project, f"{MARTS}/loose_prices.yml", "^    config:$", "    config:\n      contract: {enforced: false}"
            ),
        ),
    ),
    "intermediate-model-for-all": Violation(
        "check_model_access",
        f"{INTERMEDIATE}/int_open.sql",
        "`int_open` has `protected` access, it should have access `private`.",
        lambda project: (
            adding_model(f"{INTERMEDIATE}/int_open.sql")(project),
            replace(project, f"{INTERMEDIATE}/int_open.yml", "^    config:$", "    config:\n      access: protected"),
        ),
    ),
    "exposure-of-a-staging-model": Violation(
        "check_exposure_based_on_non_public_models",
        EXPOSURES,
        "`daily_sales_board` is based on a model(s) that is not public: ['stg_shop__orders']",
        replacing(EXPOSURES, "ref\\('products'\\)", "ref('stg_shop__orders')"),
    ),
    "exposure-without-description": Violation(
        "check_exposure_description_populated",
        EXPOSURES,
        "`daily_sales_board` does not have a populated description.",
        removing(EXPOSURES, "^    description: "),
    ),
    "exposure-without-owner": Violation(
        "check_exposure_has_meta_keys",
        EXPOSURES,
        "`daily_sales_board` is missing the following keys from the `meta` config: ['owner']",
        replacing(EXPOSURES, "^        owner:", "        contact:"),
    ),
    "source-without-description": Violation(
        "check_source_description_populated",
        SOURCES,
        "`shop.raw_customers` does not have a populated description.",
        removing(SOURCES, "^        description: "),
    ),
    "source-without-owner": Violation(
        "check_source_has_meta_keys",
        SOURCES,
        "`shop.raw_customers` is missing the following keys from the `meta` config: ['owner']",
        replacing(SOURCES, "^        owner:", "        contact:"),
    ),
    "source-without-freshness": Violation(
        "check_source_freshness_populated",
        SOURCES,
        "`shop.raw_customers` does not have a populated freshness.",
        replacing(SOURCES, "^      freshness:\n(        .*\n)+", ""),
    ),
    "seed-without-description": Violation(
        "check_seed_description_populated",
        "seeds/shop/raw_customers.csv",
        "`raw_customers` does not have a populated description.",
        removing(SEEDS, "^    description: "),
    ),
    "seed-without-owner": Violation(
        "check_seed_has_meta_keys",
        "seeds/shop/raw_customers.csv",
        "`raw_customers` is missing the following keys from the `meta` config: ['owner']",
        replacing(SEEDS, "^        owner:", "        contact:"),
    ),
    "snapshot-without-description": Violation(
        "check_snapshot_description_populated",
        SNAPSHOT,
        "`product_prices` does not have a populated description.",
        replacing(SNAPSHOT, "^    description: >\n.*\n", ""),
    ),
    "snapshot-without-owner": Violation(
        "check_snapshot_has_meta_keys",
        SNAPSHOT,
        "`product_prices` is missing the following keys from the `meta` config: ['owner']",
        replacing(SNAPSHOT, "^        owner:", "        contact:"),
    ),
    "macro-without-description": Violation(
        "check_macro_description_populated",
        "macros/plain.sql",
        "`plain` does not have a populated description.",
        writing("macros/plain.sql", "{% macro plain() %}1{% endmacro %}\n"),
    ),
}
# What `make format` fixes: a hook of the manual stage, and a change after whose repair the file is as it was.
REPAIRS = {
    "end-of-file": replacing("models/overview.md", "\n\\Z", ""),
    "trailing-whitespace": replacing(f"{MARTS}/customers.yml", "^models:$", "models:  "),
    "ruff-fix": replacing("scripts/sample_data.py", "^import sys$", "import sys\nimport zipfile"),
    "ruff-format-fix": replacing("scripts/sample_data.py", "^DEFAULT_DAYS = ", "DEFAULT_DAYS  =  "),
    "sqlfluff-fix": replacing(f"{MARTS}/customers.sql", "select \\* from final", "SELECT * FROM final"),
}


# Looking at what happened


def failed_hooks(done: Done) -> set[str]:
    """The ids of the hooks that failed."""
    return set(re.findall(r"^- hook id: (\S+)$", COLOURS.sub("", done.output), re.MULTILINE))


def assert_says(done: Done, *texts: str) -> None:
    """Fails unless the output holds all texts, wherever its lines and columns break."""
    flat = " ".join(re.sub(r"\s\|\s", " ", COLOURS.sub("", done.output)).split())
    for text in texts:
        assert text in flat, f"nowhere: {text}\n{done}"


def git(project: Path, *arguments: str) -> str:
    """What a git command that must succeed printed."""
    return succeed("git", *arguments, cwd=project).output.strip()


def hooks_of(project: Path, stages: set[str]) -> list[dict]:
    """The hooks of a project that run at one of the stages, as they are configured."""
    config = yaml.safe_load((project / CONFIG).read_text(encoding="utf-8"))
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    return [hook for hook in hooks if stages & set(hook.get("stages", config["default_stages"]))]


def hook_ids(project: Path, stages: set[str]) -> set[str]:
    """Their ids."""
    return {hook["id"] for hook in hooks_of(project, stages)}


def first_of_each_hook() -> list[Case]:
    """One commit case for each hook."""
    cases: dict[str, Case] = {}
    for case in COMMITS.values():
        cases.setdefault(case.hook, case)
    return list(cases.values())


@pytest.fixture(scope="module")
def pushed_project(ready_project, tmp_path_factory) -> Path:
    """A project of this module's own, pushed to a bare repository beside it."""
    folder = tmp_path_factory.mktemp("hooks")
    project = copy_project(ready_project, folder)
    succeed("git", "init", "--quiet", "--bare", "-b", "main", "origin.git", cwd=folder)
    git(project, "remote", "add", "origin", str(folder / "origin.git"))
    git(project, "push", "--set-upstream", "origin", "main")
    git(project, "tag", "start")
    return project


@pytest.fixture
def project(pushed_project) -> Iterator[Path]:
    """The pushed project, without what an earlier test did to it."""
    yield pushed_project
    git(pushed_project, "reset", "--hard", "--quiet", "start")
    git(pushed_project, "clean", "-d", "--force", "--quiet")
    if git(pushed_project, "rev-parse", "origin/main") != git(pushed_project, "rev-parse", "start"):
        git(pushed_project, "push", "--force", "--no-verify", "--quiet", "origin", "start^{}:refs/heads/main")


def refused_commit(project: Path, message: str = "feat: change something") -> Done:
    """Commits all that changed, and fails unless that is refused and leaves the history as it was."""
    before = git(project, "rev-parse", "HEAD")
    git(project, "add", "--all")
    done = run("git", "commit", "-m", message, cwd=project)
    assert done.code != 0, f"committed: {done}"
    assert git(project, "rev-parse", "HEAD") == before
    return done


def refused_push(project: Path) -> Done:
    """Commits and pushes all that changed, and fails unless only the push is refused."""
    before = git(project, "ls-remote", "origin", "main")
    git(project, "add", "--all")
    git(project, "commit", "-m", "feat: change something")
    done = run("git", "push", "origin", "main", cwd=project)
    assert done.code != 0, f"pushed: {done}"
    assert git(project, "ls-remote", "origin", "main") == before
    return done


# Commits


def rounds() -> list[dict[str, Case]]:
    """The cases of COMMITS, in as few commits as hold no hook twice: then each refusal is known to be of its case."""
    by_hook: dict[str, list[str]] = {}
    for name, case in COMMITS.items():
        by_hook.setdefault(case.hook, []).append(name)
    return [{name: COMMITS[name] for name in names if name} for names in zip_longest(*by_hook.values())]


@pytest.mark.parametrize("cases", rounds(), ids=" ".join)
def test_commit_is_refused(project, cases):
    for case in cases.values():
        case.change(project)
    done = refused_commit(project)
    assert failed_hooks(done) == {hook for case in cases.values() for hook in (case.hook, *case.also)}, done
    assert_says(done, *(text for case in cases.values() for text in case.says))


@pytest.mark.parametrize(("message", "says"), MESSAGES.values(), ids=MESSAGES)
def test_commit_message_is_refused(project, message, says):
    append(project, "models/overview.md", "\nMore.\n")
    done = refused_commit(project, message)
    assert failed_hooks(done) == {"typed-message"}, done
    assert_says(done, f"[Bad commit message] >> {message}", says)
    assert "conflict markers" not in done.output, "found before the hooks that take longer"


def test_a_message_from_a_file_is_refused_after_the_other_hooks(project):
    append(project, "models/overview.md", "\nMore.\n")
    (project / "target/message.txt").write_text("add a column\n", encoding="utf-8")
    git(project, "add", "--all")
    done = run("git", "commit", "-F", "target/message.txt", cwd=project)
    assert done.code != 0, done
    assert failed_hooks(done) == {"commit-message"}, done


def test_commit_is_refused_for_gitlab(ready_project, tmp_path):
    """The hooks of a project for GitLab, with the tools of the default project."""
    project = make_project(tmp_path, ci="gitlab")
    git_init(project)
    (project / ".venv").symlink_to(ready_project / ".venv")
    assert_says(
        succeed(".venv/bin/dataops", "setup", cwd=project), "Git hooks pre-commit, commit-msg, pre-push: installed"
    )
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--no-verify", "-m", "feat: start the project")
    replace(project, ".gitlab-ci.yml", "^  interruptible:", "  interuptible:")
    done = refused_commit(project)
    assert failed_hooks(done) == {"ci-schema"}, done
    assert_says(done, ".gitlab-ci.yml::$.ci:", "interuptible")


# Pushes


def test_push_is_refused_by_dbt(project):
    """The rules come after dbt: they must not judge a manifest of another state, or miss one."""
    (project / "target" / "dev" / "manifest.json").unlink(missing_ok=True)
    change, says = DBT["model-that-does-not-exist"]
    change(project)
    done = refused_push(project)
    assert failed_hooks(done) == {"dbt-parse"}, done
    assert_says(done, says)


@pytest.mark.parametrize(("change", "says"), list(DBT.values())[1:], ids=list(DBT)[1:])
def test_the_command_of_the_push_hook_refuses(project, change, says):
    config = yaml.safe_load((project / CONFIG).read_text(encoding="utf-8"))
    (hook,) = (one for one in config["repos"][0]["hooks"] if one["id"] == "dbt-parse")
    change(project)
    done = run(*hook["entry"].split(), cwd=project)
    assert done.code != 0, done
    assert_says(done, says)


def test_push_is_refused_by_a_rule(project):
    violation = GOVERNANCE["model-without-owner"]
    violation.change(project)
    done = refused_push(project)
    assert failed_hooks(done) == {"governance"}, done
    assert_says(done, f"{violation.file}: {violation.says}", f"({violation.rule})")
    assert len(re.findall(r" \(check_\w+\)$", done.output, re.MULTILINE)) == 1, done


def test_push_is_refused_by_all_rules(project):
    for violation in GOVERNANCE.values():
        violation.change(project)
    done = refused_push(project)
    assert failed_hooks(done) == {"governance"}, done
    for violation in GOVERNANCE.values():
        assert_says(done, f"{violation.file}: {violation.says}")


def test_prek_runs_the_same_hooks(project):
    """prek reads pre-commit's configuration. It passes on a good project, and stops what pre-commit stops."""
    prek = Path(sys.executable).with_name("prek")
    stages = ("pre-commit", "pre-push")
    for stage in stages:
        passed = succeed(prek, "run", "--all-files", "--stage", stage, cwd=project)
        names = {hook["name"] for hook in hooks_of(project, {stage})}
        assert {name for name in names if name in passed.output} == names, passed
    case, rule = COMMITS["upper-case-keywords"], GOVERNANCE["model-without-owner"]
    for one in (case, rule):
        one.change(project)
    refused = [run(prek, "run", "--all-files", "--stage", stage, cwd=project) for stage in stages]
    assert [failed_hooks(done) for done in refused] == [{"sqlfluff"}, {"governance"}], refused
    assert_says(refused[0], *case.says)
    assert_says(refused[1], f"{rule.file}: {rule.says}")


def test_good_change_commits_and_pushes(project):
    replace(
        project,
        f"{MARTS}/products.sql",
        "^        \\{\\{ dataops.audit_columns\\(\\) \\}\\}$",
        "        coalesce(sold.units_sold, 0) > 0 as is_ever_sold,\n        {{ dataops.audit_columns() }}",
    )
    column = "      - name: is_ever_sold\n        description: Whether one was sold.\n        data_type: boolean\n"
    replace(project, f"{MARTS}/products.yml", "^      - name: built_at$", f"{column}      - name: built_at")
    # Spaces that mean something: data as it was delivered, and a line break in Markdown.
    append(project, "seeds/shop/raw_products.csv", "99,Oat milk ,Pantry,1.00,2026-01-01 23:30:00 \n")
    write(project, "docs/shelves.md", "# Shelves\n\nPantry  \nFridge\n")
    git(project, "add", "--all")
    git(project, "commit", "-m", "feat(marts)!: say whether a product was ever sold")
    done = succeed("git", "push", "origin", "main", cwd=project)
    assert failed_hooks(done) == set()
    assert git(project, "ls-remote", "origin", "main").split()[0] == git(project, "rev-parse", "HEAD")
    assert git(project, "status", "--porcelain") == ""


# Every hook and every rule has a case


def test_every_hook_has_a_case(ready_project, tmp_path):
    covered = {case.hook for case in COMMITS.values()} | {"commit-message", "typed-message", "dbt-parse", "governance"}
    assert hook_ids(ready_project, GIT_STAGES) == covered
    assert hook_ids(make_project(tmp_path, ci="gitlab"), GIT_STAGES) == covered - {"ci-security"}
    assert hook_ids(ready_project, {"manual"}) == set(REPAIRS)


def test_every_rule_has_a_case(ready_project):
    config = yaml.safe_load((ready_project / "dbt-bouncer.yml").read_text(encoding="utf-8"))
    entries = [check for category, checks in config.items() if category.endswith("_checks") for check in checks]
    assert Counter(entry["name"] for entry in entries) == Counter(violation.rule for violation in GOVERNANCE.values())


# make lint and make format


def test_lint_reports_the_same_in_a_folder_without_git(ready_project, tmp_path):
    project = tmp_path / "corner_shop"
    copytree(ready_project, project, symlinks=True, ignore=ignore_patterns(".venv", ".git"))
    (project / ".venv").symlink_to(ready_project / ".venv")
    rule = GOVERNANCE["model-without-owner"]
    rule.change(project)
    cases = first_of_each_hook()
    for case in cases:
        case.change(project)
    done = run("make", "lint", cwd=project)
    assert done.code != 0
    assert failed_hooks(done) == {case.hook for case in cases} | {"governance"}, done
    assert_says(done, *(text for case in cases for text in case.says), f"{rule.file}: {rule.says}")
    assert not (project / ".git").exists()


def test_lint_reports_untracked_files(project):
    new_files = ["large-new-file", "private-key", "secret-in-yaml", "no-newline-at-end", "broken-toml"]
    new_files += ["code-from-outside-in-a-workflow", "badly-formatted-python", "unused-import"]
    cases = [COMMITS[name] for name in new_files]
    for case in cases:
        case.change(project)
    adding_model(f"{STAGING}/stg_shop__shelves.sql", "ref('raw_shelves')")(project)
    write(project, f"{STAGING}/stg_shop__loud.sql", "SELECT 1 AS one\n")
    write(project, f"{STAGING}/stg_shop__loud.yml", "models:\n  - name: stg_shop__loud\n    descripton: Loud.\n")
    done = run("make", "lint", cwd=project)
    assert done.code != 0
    assert failed_hooks(done) == {case.hook for case in cases} | {"dbt-schema", "sqlfluff", "dbt-parse"}, done
    assert_says(done, *(text for case in cases for text in case.says))
    assert_says(done, f"[{STAGING}/stg_shop__loud.sql] FAIL", f"{STAGING}/stg_shop__loud.yml::$.models[0]:")
    assert_says(done, f"({STAGING}/stg_shop__shelves.sql) depends on a node named 'raw_shelves'")
    assert git(project, "diff", "--cached", "--name-only") == "", "make lint has staged something"


def test_format_repairs_what_a_tool_can_repair(project):
    for change in REPAIRS.values():
        change(project)
    files = ("models/marts/customers.sql", "models/marts/customers.yml", "models/overview.md", "scripts/sample_data.py")
    assert git(project, "diff", "--name-only").split() == list(files)
    succeed("make", "format", cwd=project)
    assert git(project, "diff") == ""
    succeed("make", "lint", cwd=project)


def test_lint_remembers_what_passed(project):
    """What makes it forget is tested in process: tests/unit/test_lint_memory.py."""
    memory = project / "target" / "lint.json"
    memory.unlink(missing_ok=True)
    remembered = re.compile(r"^\d+ files passed before and are unchanged", re.MULTILINE)
    assert not remembered.search(succeed("make", "lint", cwd=project).output)

    append(project, f"{MARTS}/products.sql", "\nSELECT 1\n")
    changed = run("make", "lint", cwd=project)
    assert remembered.search(changed.output), changed
    assert failed_hooks(changed) == {"sqlfluff"}, changed
    git(project, "checkout", "--quiet", ".")
    without_cache = succeed("make", "lint", "ARGS=--no-cache", cwd=project)
    assert not remembered.search(without_cache.output), without_cache


def test_one_hook_can_be_named(project):
    one = succeed("make", "lint", "ARGS=governance", cwd=project)
    assert re.findall(r"^(.+?)\.{3,}Passed$", one.output, re.MULTILINE) == [
        "described, owned, tested, layered (dbt-bouncer)"
    ]
    unknown = run("make", "lint", "ARGS=sqlfluf", cwd=project)
    assert unknown.code != 0
    assert_says(
        unknown, "'sqlfluf' is not a hook of make lint. Hooks: merge-conflict, ", "sqlfluff, dbt-parse, governance."
    )


def test_format_fails_where_no_tool_can_fix_it(project):
    replace(project, f"{MARTS}/products.sql", "^with ", "WITH ")
    append(project, f"{MARTS}/orders.sql", "\nselect from where\n")
    done = run("make", "format", cwd=project)
    assert done.code != 0
    assert_says(done, "Some problems need fixing by hand; see above.")
    assert git(project, "diff", "--name-only") == f"{MARTS}/orders.sql", "what a tool can fix was not fixed"
