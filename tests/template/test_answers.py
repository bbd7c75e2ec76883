"""What the questions take, what they refuse, and that nothing is left on disk when they do."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from hooks import pre_gen_project
from tests.helpers import REPOSITORY, clean_environment, cookiecutter, make_project, run, succeed

GOOD = {
    "project_name": "Shop",
    "project_slug": "my_shop",
    "description": "What we sell.",
    "owner_team": "@org/data",
    "owner_email": "data@example.com",
    "sample_until": "2026-01-31",
    "monitoring": "elementary",
    "alerts": "slack",
}

REFUSED = {
    # slug: not a name
    "slug with a hyphen": ("project_slug", "my-shop", "my_shop"),
    "slug with capitals": ("project_slug", "MyShop", "myshop"),
    "slug that starts with a digit": ("project_slug", "7eleven", "shop_7eleven"),
    "slug with a space": ("project_slug", "my shop", "my_shop"),
    "slug with an accent": ("project_slug", "épicerie", "epicerie"),
    "slug of underscores": ("project_slug", "___", "corner_shop"),
    "slug with a command": ("project_slug", "a;rm", "a_rm"),
    # slug: taken
    "slug is a Python keyword": ("project_slug", "lambda", "lambda_shop"),
    "slug is dbt": ("project_slug", "dbt", "dbt_shop"),
    "slug is the package": ("project_slug", "dataops", "dataops_shop"),
    "slug is elementary": ("project_slug", "elementary", "elementary_shop"),
    "slug is dbt_utils": ("project_slug", "dbt_utils", "dbt_utils_shop"),
    "slug is target": ("project_slug", "target", "target_shop"),
    "slug is seeds": ("project_slug", "seeds", "seeds_shop"),
    "slug is models": ("project_slug", "models", "models_shop"),
    "slug is main": ("project_slug", "main", "main_shop"),
    "slug is select": ("project_slug", "select", "select_shop"),
    # slug: no folder name; judged before a folder is made
    "slug is empty": ("project_slug", "", "corner_shop"),
    "slug leads into a folder": ("project_slug", "a/b/c", "a_b_c"),
    "slug leads out of the folder": ("project_slug", "../shop", "shop"),
    "slug is absolute": ("project_slug", "/shop", "shop"),
    "slug is a dot": ("project_slug", "..", "corner_shop"),
    "slug is too long": ("project_slug", "s" * 51, "s" * 50),
    # owner
    "handle without @": ("owner_team", "data-team", "@data-team"),
    "handle with a space": ("owner_team", "@org/data team", "@org/datateam"),
    "handle with a quote": ("owner_team", "@org/da'ta", "@org/data"),
    "handle with a dollar": ("owner_team", "@org/$HOME", "@org/HOME"),
    "handle that ends in a slash": ("owner_team", "@org/", "@org"),
    "e-mail without @": ("owner_email", "data.example.com", "data@example.com"),
    "e-mail without a domain": ("owner_email", "data@", "data@example.com"),
    "e-mail with a backtick": ("owner_email", "da`ta@example.com", "data@example.com"),
    "e-mail with a space and no end": ("owner_email", "a b@c", "data@example.com"),
    "handle of a semicolon": ("owner_team", ";", "@org/team"),
    "slug is a model of the sample": ("project_slug", "customers", "customers_shop"),
    "e-mail with a semicolon": ("owner_email", "data@example.com;x", "data@example.comx"),
    # free text
    "name is empty": ("project_name", "   ", "Corner Shop"),
    "name with a backslash": ("project_name", "a\\b", "ab"),
    "description with a line break": ("description", "one\ntwo", "onetwo"),
    "description with a control character": ("description", "a\x07b", "ab"),
    "description with a line separator": ("description", "a\u2028b", "ab"),
    "description that turns text around": ("description", "a\u202eb", "ab"),
    "description is long": ("description", "d" * 201, "d" * 100),
    "description ends with a space": ("description", "What we sell. ", "What we sell."),
    # day
    "day does not exist": ("sample_until", "2026-02-30", "20"),
    "day is no day": ("sample_until", "tomorrow", "20"),
    "day is long ago": ("sample_until", "1999-01-01", "20"),
}


# Judged by cookiecutter.json, before a folder is made; the hook would be too late.
JUDGED_EARLY = (
    "slug is empty",
    "slug leads into a folder",
    "slug leads out of the folder",
    "slug is absolute",
    "slug is a dot",
    "slug is too long",
)


@pytest.mark.parametrize("case", [case for case in REFUSED if case not in JUDGED_EARLY])
def test_the_hook_refuses_a_wrong_answer_with_a_suggestion(case):
    name, value, suggestion = REFUSED[case]
    found = pre_gen_project.problem(GOOD | {name: value})
    assert found.startswith(name)
    assert f"Try: {suggestion}" in found
    assert len(found.splitlines()) == 1


@pytest.mark.parametrize("case", [*JUDGED_EARLY, "slug is select", "handle with a dollar", "name with a backslash"])
def test_a_refused_answer_leaves_nothing(case, tmp_path):
    """Those that cookiecutter.json judges, and some that the hook judges."""
    name, value, suggestion = REFUSED[case]
    answers = {name: value} if name == "project_slug" else {"project_slug": "my_shop", name: value}
    done = cookiecutter(tmp_path / "out", **answers)
    assert done.code == 1, done
    # After a hook has refused, cookiecutter adds lines of its own; ours is one, and comes first.
    (message,) = done.output.split("ERROR: Stopping generation")[0].splitlines()
    assert message.startswith(name)
    assert f"Try: {suggestion}" in message
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]


@pytest.mark.parametrize("character", "{}")
@pytest.mark.parametrize("name", ["project_name", "description", "owner_team", "owner_email", "project_slug"])
def test_braces_are_refused(name, character):
    found = pre_gen_project.problem(GOOD | {name: f"my{character}shop"})
    assert found.startswith(name)
    assert "Try: " in found


@pytest.mark.parametrize("name", ["project_name", "project_slug"])
def test_braces_typed_at_a_prompt_are_refused(name, tmp_path):
    """On a command line cookiecutter itself evaluates them; typed at a prompt they reach the hook."""
    asked = ["project_name", "project_slug", "description", "owner_team", "owner_email"]
    typed = "".join("my{shop\n" if question == name else "\n" for question in asked) + "\n" * 6
    done = subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(REPOSITORY), "-o", str(tmp_path)],
        input=typed,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert any(line.startswith(name) and "Try: " in line for line in done.stderr.splitlines()), done.stderr
    assert not any(tmp_path.iterdir())


def test_every_suggestion_is_itself_accepted():
    for case, (name, value, _) in REFUSED.items():
        if case in JUDGED_EARLY:
            continue
        found = pre_gen_project.problem(GOOD | {name: value})
        suggestion = found.split("Try: ", 1)[1]
        assert pre_gen_project.problem(GOOD | {name: suggestion}) is None, (value, suggestion)


def test_suggested_slugs_are_accepted():
    for word in sorted(pre_gen_project.OWNED | pre_gen_project.SQL):
        assert pre_gen_project.problem(GOOD | {"project_slug": pre_gen_project.suggest_slug(word)}) is None, word


def test_an_existing_folder_is_never_overwritten(tmp_path):
    kept = tmp_path / "corner_shop" / "README.md"
    kept.parent.mkdir()
    kept.write_text("mine")
    for options in ([], ["--overwrite-if-exists"], ["--overwrite-if-exists", "--skip-if-file-exists"]):
        done = cookiecutter(tmp_path, *options)
        assert done.code == 1, done
        assert "exists" in done.output
        assert [path.name for path in kept.parent.iterdir()] == ["README.md"]
        assert kept.read_text() == "mine"


FREE_TEXTS = [
    """Bob's "best" shop: 100 % #1, $HOME & `date` <b>*x*_y_[z](q)|~""",
    "Épicerie du coin, 日本のお店 🛒👩‍🌾",
    "- not: a list",
    "yes",
    "1.0",
    "@handle %TAG ! & * | > ' \" # : , ? [ ]",
]


@pytest.mark.parametrize("text", FREE_TEXTS)
def test_free_text_survives_into_every_file(text, tmp_path):
    project = make_project(tmp_path, project_name=text, description=text, project_slug="my_shop")
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["project"]["description"] == text
    help_text = succeed("make", "help", cwd=project).output
    assert help_text.splitlines()[0] == text
    for file in project.rglob("*.y*ml"):
        list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    for page in ("README.md", "models/overview.md"):
        shown = plain_text((project / page).read_text(encoding="utf-8"))
        assert f"# {text}" in shown, page
        assert f"What it holds: {text}" in shown, page


def plain_text(markdown: str) -> str:
    """Markdown as a reader sees it, as far as our escapes go."""
    for mark in "*_`[]|~#":
        markdown = markdown.replace("\\" + mark, mark)
    return markdown.replace("&lt;", "<").replace("&amp;", "&")


def test_free_text_does_not_run_in_a_shell(tmp_path):
    project = make_project(
        tmp_path,
        project_name="a$(touch made)`touch made`'; touch made; '",
        description="$(shell touch made)",
        project_slug="my_shop",
    )
    succeed("make", "help", cwd=project)
    assert not list(project.rglob("made"))


def test_the_hooks_are_python_before_they_are_rendered():
    for hook in (REPOSITORY / "hooks").glob("*.py"):
        ast.parse(hook.read_text(encoding="utf-8"))


def test_a_question_is_asked_in_words_for_people():
    context = json.loads((REPOSITORY / "cookiecutter.json").read_text(encoding="utf-8"))
    asked = {name for name in context if not name.startswith("_")}
    assert asked == set(context["__prompts__"])
    for name in asked:
        if isinstance(context[name], list):
            assert set(context["__prompts__"][name]) == {"__prompt__", *context[name]}


def test_a_template_update_leaves_the_sample_alone(tmp_path):
    """cruft renders the old and the new template on the day of the update; the day of the sample is an answer."""
    template = tmp_path / "template"
    succeed("git", "clone", "--quiet", REPOSITORY, template, cwd=tmp_path)
    succeed("git", "config", "user.name", "Ada", cwd=template)
    succeed("git", "config", "user.email", "ada@example.com", cwd=template)
    cruft = Path(sys.executable).parent / "cruft"
    succeed(cruft, "create", template, "--no-input", "--extra-context", '{"sample_until": "2026-03-01"}', cwd=tmp_path)
    project = tmp_path / "corner_shop"
    for command in (["init", "-q"], ["config", "user.name", "Ada"], ["config", "user.email", "ada@example.com"]):
        succeed("git", *command, cwd=project)
    succeed("git", "add", "--all", cwd=project)
    succeed("git", "commit", "-q", "-m", "feat: start", cwd=project)
    orders = (project / "seeds/shop/raw_orders.csv").read_bytes()
    assert b"2026-03-01 23:30:00" in orders

    owners = template / "{{cookiecutter.project_slug}}" / "CODEOWNERS"
    owners.write_text(owners.read_text() + "# newer\n")
    succeed("git", "commit", "-q", "-a", "-m", "newer", cwd=template)
    updated = succeed(cruft, "update", "--skip-apply-ask", cwd=project).output
    assert "make setup" not in updated, "an update is generated in a folder that is removed"
    assert (project / "CODEOWNERS").read_text().endswith("# newer\n")
    assert (project / "seeds/shop/raw_orders.csv").read_bytes() == orders
    assert json.loads((project / ".cruft.json").read_text())["context"]["cookiecutter"]["sample_until"] == "2026-03-01"
    changed = succeed("git", "status", "--porcelain", cwd=project).output.split()
    assert changed == ["M", ".cruft.json", "M", "CODEOWNERS"]


def test_the_last_lines_say_what_to_type_next(tmp_path):
    command = [sys.executable, "-m", "cookiecutter", REPOSITORY, "--no-input", "-o", tmp_path / "my shops"]
    for shell, folder in ((tmp_path, "'my shops/corner_shop'"), (REPOSITORY, f"'{tmp_path}/my shops/corner_shop'")):
        shutil.rmtree(tmp_path / "my shops", ignore_errors=True)
        done = succeed(*command, cwd=tmp_path, environment=clean_environment(PWD=str(shell)))
        assert done.output == f"corner_shop is generated. Next:\n  cd {folder}\n  git init\n  make setup build\n"


def test_generation_needs_no_home_and_no_network(tmp_path):
    environment = clean_environment(HOME=str(tmp_path / "home"), http_proxy="http://127.0.0.1:9", NO_PROXY="")
    os.mkdir(tmp_path / "home")
    command = [sys.executable, "-m", "cookiecutter", REPOSITORY, "--no-input", "-o", tmp_path]
    assert run(*command, cwd=tmp_path, environment=environment).code == 0


def test_an_unknown_choice_is_refused(tmp_path):
    done = cookiecutter(tmp_path / "out", ci="jenkins")
    assert done.code != 0
    assert "jenkins" in done.output
    assert not any((tmp_path / "out").iterdir())
