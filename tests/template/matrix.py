"""The combinations of answers that the tests generate, and the exact files of each."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from tests.helpers import REPOSITORY

CONTEXT = json.loads((REPOSITORY / "cookiecutter.json").read_text(encoding="utf-8"))
OPTIONS = {name: values for name, values in CONTEXT.items() if isinstance(values, list) and not name.startswith("_")}


def pairs_of(combination: dict[str, str]) -> set[tuple]:
    """Every two options with their values."""
    return set(itertools.combinations(combination.items(), 2))


def all_pairs() -> list[dict[str, str]]:
    """Few combinations that together hold every pair of values of any two options.

    Alerts without monitoring are refused, so no combination has them (tests/template/test_answers.py).
    """
    every = [dict(zip(OPTIONS, values, strict=True)) for values in itertools.product(*OPTIONS.values())]
    every = [one for one in every if one["monitoring"] == "elementary" or one["alerts"] == "none"]
    missing, chosen = set().union(*map(pairs_of, every)), []
    while missing:
        chosen.append(max(every, key=lambda one: len(pairs_of(one) & missing)))
        missing -= pairs_of(chosen[-1])
    return chosen


COMBINATIONS = all_pairs()
DEFAULT = {name: values[0] for name, values in OPTIONS.items()}


def most_different() -> dict[str, str]:
    """The combination that shares the fewest answers with the default; among several, one without monitoring."""
    return min(COMBINATIONS, key=lambda one: (len(one.items() & DEFAULT.items()), one["monitoring"] != "none"))


EVERY_PROJECT = """
.editorconfig .env.example .gitattributes .gitignore .pre-commit-config.yaml .sqlfluff .sqlfluffignore .yamllint
CODEOWNERS CONTRIBUTING.md Makefile README.md dbt-bouncer.yml dbt_project.yml packages.yml profiles.yml pyproject.toml
analyses/.gitkeep
docs/ci.md docs/crosscheck.md docs/marts.md docs/quarantine.md docs/releasing.md docs/rollback.md docs/runbook.md docs/unit-tests.md
docs/versions.md docs/ways-of-working.md
macros/generate_schema_name.sql macros/generate_schema_name.yml
models/groups.yml models/overview.md
scripts/ready.sh scripts/setup.sh
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


def contents(project: Path) -> dict[str, bytes]:
    """Every file that git could know of, and what it holds."""
    places = (".git/", ".venv", "target/", "logs/", "dbt_packages/", "warehouse/", "uv.lock", ".ruff_cache/")
    names = (name for name in files_of(project) if not name.startswith(places) and "__pycache__" not in name)
    return {name: (project / name).read_bytes() for name in names}


def expected_files(combination: dict[str, str]) -> set[str]:
    carried = [
        *(REPOSITORY / "macros").rglob("*.*"),
        *(REPOSITORY / "src").rglob("*.py"),
        *(REPOSITORY / "src").rglob("*.j2"),
    ]
    package = {f"packages/dataops/{path.relative_to(REPOSITORY)}" for path in carried}
    chosen = [file for option in combination.items() for file in ONLY_WITH[option]]
    return {*EVERY_PROJECT, *package, *chosen}
