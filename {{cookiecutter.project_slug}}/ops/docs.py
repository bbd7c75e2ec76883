"""make docs: the docs site as one page that needs no server."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from ops.run_dbt import run_dbt

PAGE = Path("target", "docs", "index.html")


def make_page(*arguments: str) -> bool:
    """Makes the page of what is in the warehouse, and returns whether that worked. dbt prints what did not.

    Args:
        arguments: options of `dbt docs generate`.
    """
    if not run_dbt("--quiet", "docs", "generate", "--static", *arguments):
        return False
    made = Path(os.environ.get("DBT_TARGET_PATH", "target"), "static_index.html")
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, PAGE)
    print(f"Docs: {PAGE.resolve().as_uri()}")
    return True


def main() -> None:
    if not make_page(*sys.argv[1:]):
        sys.exit("The docs could not be made; the message above says why.")


if __name__ == "__main__":
    main()
