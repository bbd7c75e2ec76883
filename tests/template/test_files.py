"""The files of a generated project: each combination of answers, and what they must not hold."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.helpers import REPOSITORY, make_project
from tests.template.matrix import COMBINATIONS, OPTIONS, expected_files, files_of, name_of


@pytest.fixture(params=COMBINATIONS, ids=name_of)
def combination(request) -> dict[str, str]:
    return request.param


@pytest.fixture
def project(combination, made_once) -> Path:
    """A project that no test changes."""
    return made_once(f"files_{name_of(combination)}", lambda folder: make_project(folder, **combination))


def test_a_project_has_exactly_its_files(project, combination):
    assert files_of(project) == expected_files(combination)
    assert not [path for path in project.rglob("*") if path.is_symlink()]


def test_the_package_is_the_repositorys_own(project):
    """Byte for byte: the hooks that remove parts of files leave it alone."""
    for file in (project / "packages/dataops").rglob("*.*"):
        if file.is_file():
            original = REPOSITORY / file.relative_to(project / "packages/dataops")
            assert file.read_bytes() == original.read_bytes(), file


def test_every_file_can_be_read_and_holds_nothing_of_the_template(project):
    for name in files_of(project):
        text = (project / name).read_text(encoding="utf-8")
        if name != "packages/dataops/pyproject.toml":  # lists the tools of this repository, cookiecutter among them
            assert "cookiecutter" not in text, name
        if name.endswith((".yml", ".yaml")) or name == ".yamllint":
            assert list(yaml.safe_load_all(text)), name
        elif name.endswith(".toml"):
            tomllib.loads(text)
        if not name.endswith((".sql", ".yml", ".md", ".py", ".j2")):
            assert "{%" not in text, name
        assert text == "" or (text.endswith("\n") and not text.endswith("\n\n")), name


def test_elementary_is_mentioned_only_with_monitoring(project, combination):
    ours = [name for name in files_of(project) if not name.startswith("packages/") and name != "Makefile"]
    mentioning = [name for name in ours if "elementary" in (project / name).read_text("utf-8").lower()]
    assert bool(mentioning) == (combination["monitoring"] == "elementary"), mentioning
    assert not [name for name in ours if "monitoring>" in (project / name).read_text("utf-8")]


def test_ci_sends_alerts_only_where_they_were_chosen(project, combination):
    ci = [
        text.read_text("utf-8") for text in (*project.glob(".github/workflows/*.yml"), *project.glob(".gitlab-ci.yml"))
    ]
    assert any("make alerts" in text for text in ci) == (
        combination["alerts"] != "none" and combination["ci"] != "none"
    )
    assert not [text for text in ci if "alerts>" in text]


def test_links_on_the_pages_lead_somewhere(made_once):
    one_per_host = {one["ci"]: one for one in COMBINATIONS if one["monitoring"] == "elementary"}
    assert set(one_per_host) == set(OPTIONS["ci"])
    folders = [REPOSITORY]
    for one in one_per_host.values():
        folders.append(made_once(f"files_{name_of(one)}", lambda folder, one=one: make_project(folder, **one)))
    for folder in folders:
        pages = [*(folder / "docs").rglob("*.md"), *folder.glob("*.md")]
        assert len(pages) > 10, folder
        for page in pages:
            for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
                assert (page.parent / target).exists(), f"{page}: {target}"
