"""GitLab: the note on a merge request, and the artifacts with prod.

GitLab does not say that an artifact has expired, so an expired prod looks like none.
"""

from __future__ import annotations

import urllib.error
import urllib.parse
from pathlib import Path

from dataops.ci.hosts import MARK, Api, comment_text, required
from dataops.project import Project

TOKEN = "CI_COMMENT_TOKEN"
JOB = "release"  # the only job that writes prod, so its last artifacts are prod


def comment(project: Project) -> str:
    """Writes our note on the merge request, or updates it. Returns what was done."""
    token = project.variables.get(TOKEN)
    if not token:  # a fork's pipeline has no variables of the project
        return f"{TOKEN} is not set, so there is no comment. The summary is an artifact of the job ci."
    address, id, number, pipeline = required(
        project, "CI_API_V4_URL", "CI_PROJECT_ID", "CI_MERGE_REQUEST_IID", "CI_PIPELINE_URL"
    )
    api = Api(address, {"PRIVATE-TOKEN": token})
    notes = f"/projects/{id}/merge_requests/{number}/notes"
    me, body = api.ask("GET", "/user")["id"], {"body": comment_text(project, pipeline)}
    for one in api.pages(notes):
        if one["author"]["id"] == me and one["body"].startswith(MARK):
            api.ask("PUT", f"{notes}/{one['id']}", body)
            return f"The comment on merge request {number} is up to date."
    api.ask("POST", notes, body)
    return f"Merge request {number} has a comment now."


def download(project: Project, name: str, folder: Path) -> Path | None:
    """Downloads an archive that `dataops ci state push` made in the last release on the default branch; None if there is none.

    Args:
        project: whose prod it is.
        name: of the archive.
        folder: an empty one.
    """
    address, id, token, branch = required(
        project, "CI_API_V4_URL", "CI_PROJECT_ID", "CI_JOB_TOKEN", "CI_DEFAULT_BRANCH"
    )
    file = folder / f"{name}.tar"
    path = f"/projects/{id}/jobs/artifacts/{urllib.parse.quote(branch, safe='')}/raw/target/prod/{name}.tar?job={JOB}"
    try:
        Api(address, {"JOB-TOKEN": token}).download(path, file)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
    return file


NEEDS = {"comment": f"a token with the scope api in {TOKEN}", "pull": "access to the job's artifacts"}
