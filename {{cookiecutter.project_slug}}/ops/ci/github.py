"""make ci-comment and make prod-fetch on GitHub."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import urllib.error
import zipfile
from pathlib import Path
from typing import Any

from ops.ci.host import MARK, Api, comment_text, problem, required

AUTHOR = "github-actions[bot]"


def connect() -> tuple[Api, str]:
    """GitHub's API for the token of the job, and the path of the repository in it."""
    address, repository, token = required("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    return Api(address, headers), f"/repos/{repository}"


def comment() -> str:
    """Writes the comment on the pull request, or the one that is there anew. Returns what was done."""
    api, repository = connect()
    server, name, run, event_file = required(
        "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_EVENT_PATH"
    )
    number = json.loads(Path(event_file).read_text(encoding="utf-8"))["pull_request"]["number"]
    body = {"body": comment_text(f"{server}/{name}/actions/runs/{run}")}
    for one in api.pages(f"{repository}/issues/{number}/comments"):
        if one["user"]["login"] == AUTHOR and one["body"].startswith(MARK):
            api.ask("PATCH", f"{repository}/issues/comments/{one['id']}", body)
            return f"The comment on pull request {number} is up to date."
    api.ask("POST", f"{repository}/issues/{number}/comments", body)
    return f"Pull request {number} has a comment now."


def newest_artifact(api: Api, repository: str, name: str) -> dict[str, Any] | None:
    """The newest artifact of a name that a run on the default branch made, None where there is none.

    Runs on other branches, and those of forks, may call an artifact what they like.
    """
    about = api.ask("GET", repository)
    ours = [
        one
        for one in api.pages(f"{repository}/actions/artifacts?name={name}", "artifacts")
        if (run := one["workflow_run"])
        and run["head_branch"] == about["default_branch"]
        and run["head_repository_id"] == about["id"]
    ]
    return max(ours, key=lambda one: (one["created_at"], one["id"]), default=None)


def fetch(name: str, folder: Path) -> Path | None:
    """Downloads an archive that `make prod-pack` made in the last run on the default branch; None where there is none.

    Raises:
        FileNotFoundError: there was one, and it is kept no longer.
    """
    api, repository = connect()
    artifact = newest_artifact(api, repository, name)
    if artifact is None:
        return None
    if artifact["expired"]:
        raise FileNotFoundError(f"The artifact {name} of {artifact['created_at']} is kept no longer.")
    archive = folder / "artifact.zip"
    api.download(f"{repository}/actions/artifacts/{artifact['id']}/zip", archive)
    try:
        with zipfile.ZipFile(archive) as files:
            return Path(files.extract(f"{name}.tar", folder))
    except (zipfile.BadZipFile, KeyError) as error:
        sys.exit(f"The artifact {name} of {artifact['created_at']} is damaged ({error}). Run the last release again.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ops.ci.github", description=__doc__)
    tasks = parser.add_subparsers(required=True, dest="task")
    tasks.add_parser("comment")
    fetching = tasks.add_parser("fetch")
    fetching.add_argument("--current", action="store_true", help="The version that is prod alone, to be read.")
    fetching.add_argument(
        "--anew", action="store_true", help="Start with no prod where the last one is kept no longer."
    )
    options = parser.parse_args()
    try:
        if options.task == "comment":
            print(comment())
            return
        from ops.ci import state  # needs what `make setup` installs

        with tempfile.TemporaryDirectory() as folder:
            print(state.fetch(fetch, options.current, options.anew, Path(folder)))
    except urllib.error.URLError as error:
        need = "pull-requests: write" if options.task == "comment" else "actions: read"
        sys.exit(problem(error, f"the permission {need}"))


if __name__ == "__main__":
    main()
