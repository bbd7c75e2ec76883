"""GitHub: the comment on a pull request, and the artifacts with prod."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from dataops.ci.hosts import MARK, Api, Expired, comment_text, required
from dataops.errors import DataopsError
from dataops.project import Project

AUTHOR = "github-actions[bot]"


def connect(project: Project) -> tuple[Api, str]:
    """GitHub's API with the job's token, and the path of the repository in it."""
    address, repository, token = required(project, "GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN")
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    return Api(address, headers), f"/repos/{repository}"


def comment(project: Project) -> str:
    """Writes our comment on the pull request, or updates it. Returns what was done."""
    api, repository = connect(project)
    server, name, run, event_file = required(
        project, "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_EVENT_PATH"
    )
    number = json.loads(Path(event_file).read_text(encoding="utf-8"))["pull_request"]["number"]
    body = {"body": comment_text(project, f"{server}/{name}/actions/runs/{run}")}
    for one in api.pages(f"{repository}/issues/{number}/comments"):
        if one["user"]["login"] == AUTHOR and one["body"].startswith(MARK):
            api.ask("PATCH", f"{repository}/issues/comments/{one['id']}", body)
            return f"The comment on pull request {number} is up to date."
    api.ask("POST", f"{repository}/issues/{number}/comments", body)
    return f"Pull request {number} has a comment now."


def newest_artifact(api: Api, repository: str, name: str) -> dict[str, Any] | None:
    """The newest artifact of a name from a run on the default branch; None if there is none.

    Runs on other branches or of forks can give an artifact any name.
    """
    about = api.ask("GET", repository)
    ours = [
        one
        for one in api.pages(f"{repository}/actions/artifacts?name={name}", "artifacts")
        if (made_by := one["workflow_run"])
        and made_by["head_branch"] == about["default_branch"]
        and made_by["head_repository_id"] == about["id"]
    ]
    return max(ours, key=lambda one: (one["created_at"], one["id"]), default=None)


def download(project: Project, name: str, folder: Path) -> Path | None:
    """Downloads an archive that `dataops ci state push` made in the last run on the default branch; None if there is none.

    Args:
        project: whose prod it is.
        name: of the archive.
        folder: an empty one.

    Raises:
        Expired: GitHub no longer keeps it.
    """
    api, repository = connect(project)
    artifact = newest_artifact(api, repository, name)
    if artifact is None:
        return None
    if artifact["expired"]:
        raise Expired(f"The artifact {name} of {artifact['created_at']} has expired.")
    archive = folder / "artifact.zip"
    api.download(f"{repository}/actions/artifacts/{artifact['id']}/zip", archive)
    try:
        with zipfile.ZipFile(archive) as files:
            return Path(files.extract(f"{name}.tar", folder))
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataopsError(
            f"The artifact {name} of {artifact['created_at']} is damaged ({error}).", "Run the last release again."
        ) from None


NEEDS = {"comment": "the permission pull-requests: write", "pull": "the permission actions: read"}
