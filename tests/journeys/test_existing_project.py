"""docs/existing-project.md, followed word for word in a dbt project that did not come from the template.

No make, uv, Elementary or packages/ folder: the wheel is installed with pip into a venv of its own, and the dbt package comes from a
git repository, whose address is the one thing that is put in place of what the page says.
"""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from dataops.cli import COMMANDS
from tests.guides import ANY_PATH, follow, steps
from tests.helpers import REPOSITORY, clean_environment, run, succeed

PAGE = REPOSITORY / "docs/existing-project.md"
ADDRESS = "<address of the dbt-dataops repository>"


@pytest.fixture(scope="module")
def existing(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The project, and the environment of somebody who works in it: HOME holds the wheel, PATH the venv."""
    home = tmp_path_factory.mktemp("home")
    succeed("uv", "build", "--quiet", "--wheel", "--out-dir", home / "dbt-dataops/dist", cwd=REPOSITORY)
    (home / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.com\n[init]\ndefaultBranch = main\n")
    project = Path(shutil.copytree(REPOSITORY / "tests/existing_project", home / "shop"))
    make_venv(project / ".venv")
    path = clean_environment()["PATH"]
    environment = clean_environment(
        HOME=str(home),
        PATH=f"{project / '.venv/bin'}:{Path(sys.executable).parent}:{path}",
        PIP_NO_INDEX="1",
        PIP_DISABLE_PIP_VERSION_CHECK="1",
    )
    return project, environment


def make_venv(folder: Path) -> None:
    """A venv with pip in which everything that the wheel needs is installed already, and dataops is not."""
    succeed(sys.executable, "-m", "venv", folder, cwd=folder.parent)
    installed = Path(sysconfig.get_path("purelib"))
    others = folder / "others"
    others.mkdir()
    for entry in installed.iterdir():
        if "dataops" not in entry.name.lower() and entry.suffix != ".pth":
            (others / entry.name).symlink_to(entry)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "others.pth").write_text(f"{others}\n", encoding="utf-8")


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """The dbt package as a git repository with the tag of this version."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copy(REPOSITORY / "dbt_project.yml", folder)
    shutil.copytree(REPOSITORY / "macros", folder / "macros")
    for command in ("init --quiet", "add --all", "commit --quiet -m package", "tag v0.1.0"):
        succeed("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com", *command.split(), cwd=folder)
    return folder


def test_the_page_works_word_for_word(existing, package):
    project, environment = existing
    profile = steps(PAGE, ANY_PATH)[0]
    assert (project / "profiles.yml").read_text(encoding="utf-8") == profile.text, "the page shows another project"
    printed = follow(PAGE, project, ANY_PATH, {ADDRESS: str(package)}, environment)
    written = {path.name for path in project.iterdir()}
    assert written == {
        *(
            ".git",
            ".gitignore",
            ".pre-commit-config.yaml",
            ".user.yml",
            ".venv",
            "data",
            "dataops.toml",
            "dbt_packages",
        ),
        *("dbt_project.yml", "logs", "models", "package-lock.yml", "packages.yml", "profiles.yml", "seeds", "target"),
        *("tests", "warehouse"),
    }
    assert not succeed("git", "status", "--short", cwd=project, environment=environment).output
    assert "dataops rollback" in printed
    assert not re.search(rf"\bmake ({'|'.join(COMMANDS)})\b", printed), "a message names a task of make"


def test_a_release_that_would_write_into_prod_itself_is_refused(existing, tmp_path):
    """The profile is as it was before dataops; nothing is written."""
    project, environment = existing
    plain = shutil.copytree(REPOSITORY / "tests/existing_project", tmp_path / "plain")
    before = sorted(path.relative_to(plain) for path in plain.rglob("*"))
    done = run(project / ".venv/bin/dataops", "release", cwd=plain, environment=environment)
    assert done.code == 2
    assert "profiles.yml makes a release build prod in data/prod.duckdb. It must be built beside prod" in done.output
    assert "The lines to write: dataops doctor" in done.output
    done = run(project / ".venv/bin/dataops", "doctor", cwd=plain, environment=environment)
    assert done.code == 1
    assert sorted(path.relative_to(plain) for path in plain.rglob("*")) == before
