"""The pages of docs/macros: one for each macro and test, in one shape, with examples that print what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.dbt_package.pages import INDEX, PAGES, pages, rendered_pages
from tests.helpers import REPOSITORY

MACRO_FILES = sorted((REPOSITORY / "macros").rglob("*.sql"))
HEADING = re.compile(r"^#+ .+$", re.MULTILINE)
EXAMPLE, NULLS, WHEN_NOT = "## Example", "## Nulls and empty tables", "## When not to use it"


def is_test(page: Path) -> bool:
    return (REPOSITORY / "macros/generic_tests" / f"{page.stem}.sql").is_file()


def with_code_left_out(text: str) -> str:
    return re.sub(r"^```.*?^```$", "(code)", text, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="session")
def rendered(made_once) -> Path:
    """A folder with each page as it should be, made by one run of all examples."""

    def make(folder: Path) -> Path:
        (folder / "project").mkdir()
        for page, text in rendered_pages(folder / "project").items():
            (folder / page.name).write_text(text, encoding="utf-8")
        return folder

    return made_once("macro_pages", make)


def test_every_macro_and_test_has_a_page_and_every_page_a_macro():
    assert [page.stem for page in pages()] == sorted(file.stem for file in MACRO_FILES)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_a_page_has_the_shape_of_all_pages(page):
    """What it does, an example, nulls and empty tables (for a test always), when not to use it."""
    text = with_code_left_out(page.read_text(encoding="utf-8"))
    headings = HEADING.findall(text)
    shapes = [[f"# {page.stem}", EXAMPLE, NULLS, WHEN_NOT]]
    if not is_test(page):
        shapes.append([f"# {page.stem}", EXAMPLE, WHEN_NOT])
    assert headings in shapes
    assert all(part.strip() for part in HEADING.split(text)[1:]), "a heading with nothing under it"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_a_page_has_an_example_with_its_output(page):
    example = page.read_text(encoding="utf-8").partition(EXAMPLE)[2].partition("\n## ")[0]
    assert re.search(r"^```(sql|yaml)$", example, re.MULTILINE)
    assert re.search(r"^```console$", example, re.MULTILINE)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_an_example_prints_what_the_page_says(page, rendered):
    assert (rendered / page.name).read_text(encoding="utf-8") == page.read_text(encoding="utf-8"), "Type: make docs"


def test_the_index_lists_every_page_once():
    linked = re.findall(r"^\| \[`\w+`\]\((\w+)\.md\) \|", INDEX.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(linked) == [page.stem for page in pages()]
    assert PAGES / "README.md" == INDEX
