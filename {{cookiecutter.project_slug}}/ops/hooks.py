"""make lint and make format: the git hooks of .pre-commit-config.yaml, on all files.

pre-commit looks at what git tracks. So that a new file counts before it is added, and a folder that is no git
repository can be linted, the files are listed in a throw-away index; the project's own .git is not touched.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
STAGES = {"lint": ["pre-commit", "pre-push"], "format": ["manual"]}


def run_hooks(task: str, *options: str) -> bool:
    """Runs the hooks of a task on every file that .gitignore does not hide; returns whether all passed.

    Args:
        task: `lint` or `format`.
        options: further options of `pre-commit run`.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"GIT_DIR": folder, "GIT_WORK_TREE": str(PROJECT)}
        for variable in ("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
            environment.pop(variable, None)

        def call(*command: str) -> int:
            return subprocess.run(command, check=False, cwd=PROJECT, env=environment).returncode

        if call("git", "init", "--quiet") or call("git", "-c", "core.safecrlf=false", "add", "--all", "."):
            print("git could not list the files; the message above says why.", file=sys.stderr)
            return False
        pre_commit = [sys.executable, "-m", "pre_commit", "run", "--all-files", *options]
        results = [call(*pre_commit, "--hook-stage", stage) for stage in STAGES[task]]
        return not any(results)


def main() -> None:
    task, *options = sys.argv[1:]
    passed = run_hooks(task, *options)
    if task == "format":
        print("Formatted." if passed else "Files were changed. See what is left to do by hand: make lint")
    elif not passed:
        sys.exit("Lint found something; it is above. `make format` mends what a tool can mend.")


if __name__ == "__main__":
    main()
