"""The configuration that dbt-bouncer gets: the project's rules, with the checks of the package."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dataops.errors import DataopsError
from dataops.lint.governance import write_config
from tests.helpers import project_at


@pytest.fixture
def project(tmp_path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "written").mkdir()
    return tmp_path / "project"


def written(project: Path, text: str) -> dict:
    (project / "dbt-bouncer.yml").write_text(text, encoding="utf-8")
    renamed = project_at(project, targets={"dev": "development"})
    return yaml.safe_load(write_config(project.parent / "written", renamed).read_text("utf-8"))


def test_paths_are_absolute_and_rules_stay(project):
    rules = "manifest_checks:\n  - name: check_model_names\n    include: ^models/marts\n"
    config = written(project, f"dbt_artifacts_dir: target/other\n{rules}")
    assert config["manifest_checks"] == [{"name": "check_model_names", "include": "^models/marts"}]
    assert Path(config["dbt_artifacts_dir"]) == project / "target/other"
    assert (Path(config["custom_checks_dir"]) / "manifest/check_models.py").is_file()


def test_checks_of_the_project_are_put_beside_those_of_the_package(project):
    (project / "checks/manifest").mkdir(parents=True)
    (project / "checks/manifest/own.py").touch()
    config = written(project, "custom_checks_dir: checks\n")
    files = {file.name for file in Path(config["custom_checks_dir"]).rglob("*.py")}
    assert files == {"check_models.py", "own.py"}
    assert Path(config["dbt_artifacts_dir"]) == project / "target/development"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("custom_checks_dir: lost\n", "custom_checks_dir is 'lost', which is not a folder"),
        ("- a list\n", "holds no settings"),
        ("a: [\n", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused(text, says, project):
    with pytest.raises(DataopsError, match=says):
        written(project, text)


def test_a_missing_file_is_refused(project):
    with pytest.raises(DataopsError, match=r"There is no dbt-bouncer\.yml"):
        write_config(project.parent / "written", project_at(project))
