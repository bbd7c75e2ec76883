"""CHANGELOG.md's "Upgrading", followed word for word in a project that has releases and comes from before the package."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from dataops import release
from tests.guides import ANY_PATH, follow
from tests.helpers import REPOSITORY, clean_environment, git_init, run, succeed
from tests.small_project import commit, current, in_folder

BEFORE_THE_PACKAGE = "7d8c2c3"
ADDRESS = "<address of the template>"
COOKIECUTTER = Path(sys.executable).with_name("cookiecutter")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        run("git", "cat-file", "-e", f"{BEFORE_THE_PACKAGE}^{{commit}}", cwd=REPOSITORY).code != 0,
        reason=f"needs commit {BEFORE_THE_PACKAGE} of this repository: a full clone (git fetch --unshallow)",
    ),
]


@pytest.fixture
def old_project(tmp_path) -> Path:
    """A project of that commit with two releases, made with its own tasks. The second one writes categories in capitals."""
    archive, template = tmp_path / "template.tar", tmp_path / "old_template"
    template.mkdir()
    succeed("git", "archive", "--output", archive, BEFORE_THE_PACKAGE, cwd=REPOSITORY)
    succeed("tar", "--extract", "--file", archive, cwd=template)
    succeed(COOKIECUTTER, template, "--no-input", "--output-dir", tmp_path / "made", cwd=tmp_path)
    project = tmp_path / "made/corner_shop"
    git_init(project)
    succeed("make", "setup", cwd=project)
    commit(project, "feat: start the project")
    succeed("make", "release", cwd=project)
    products = project / "models/marts/products.sql"
    text = products.read_text(encoding="utf-8")
    assert text.count("        products.category,\n") == 1
    products.write_text(text.replace("products.category,", "upper(products.category) as category,"), encoding="utf-8")
    commit(project, "feat: categories in capitals")
    succeed("make", "release", "ARGS=--accept 'products: capitals are wanted'", cwd=project)
    return project


def categories(version: str | int) -> set[str]:
    """The categories of products in a version of prod, read as the docs say."""
    with release.open(version) as prod:
        return {category for (category,) in prod.execute("select distinct category from marts.products").fetchall()}


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    """Of somebody who has cookiecutter and none of this repository's other tools."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/cookiecutter").symlink_to(COOKIECUTTER)
    return clean_environment(PATH=f"{tmp_path / 'bin'}:{clean_environment()['PATH']}")


def test_a_project_from_before_the_package_is_upgraded(old_project, environment, monkeypatch):
    printed = follow(
        REPOSITORY / "CHANGELOG.md", old_project, ANY_PATH, {ADDRESS: f"{REPOSITORY} --no-input"}, environment
    )
    assert "WARN=0 ERROR=0 SKIP=0" in printed, printed
    assert "Failed" not in printed, printed  # a hook's result
    assert re.search(r"0003 against 0002, (\d+) models: \1 the same\.", printed), printed
    versions = in_folder(old_project, "releases")
    listed = re.findall(
        r"^ (\d{4}-\d{4}-\d\d-\d\d) ", succeed("make", "releases", cwd=old_project).output, re.MULTILINE
    )
    assert listed == versions[::-1]
    assert [version[:4] for version in versions] == ["0001", "0002", "0003"]
    monkeypatch.setenv("WAREHOUSE_DIR", str(old_project / "warehouse"))
    assert categories(1) != categories(2) == {category.upper() for category in categories(1)}
    for number in (1, 2):
        succeed("make", "rollback", f"TO={number}", cwd=old_project)
        assert current(old_project) == versions[number - 1]
    by_hand = run(".venv/bin/dbt", "run", "--target", "prod", cwd=old_project)
    assert by_hand.output.splitlines()[-1].strip() == "prod is written by releases only. Type: make release", by_hand
    assert not succeed("git", "status", "--short", cwd=old_project).output
