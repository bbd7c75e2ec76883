"""make ci-comment and make prod-fetch on GitLab."""

from __future__ import annotations

import os
import urllib.error
import urllib.parse
from pathlib import Path

from dataops.ci.hosts import MARK, Api, comment_text, required

TOKEN = "CI_COMMENT_TOKEN"
JOB = "release"  # all that writes prod is this one job, so its last artifacts are prod


def comment() -> str:
    """Writes the note on the merge request, or the one that is there anew. Returns what was done."""
    if not os.environ.get(TOKEN):  # a fork's pipeline has no variables of the project
        return f"{TOKEN} is not set, so there is no comment. The summary is an artifact of the job ci."
    address, project, number, pipeline = required(
        "CI_API_V4_URL", "CI_PROJECT_ID", "CI_MERGE_REQUEST_IID", "CI_PIPELINE_URL"
    )
    api = Api(address, {"PRIVATE-TOKEN": os.environ[TOKEN]})
    notes = f"/projects/{project}/merge_requests/{number}/notes"
    me, body = api.ask("GET", "/user")["id"], {"body": comment_text(pipeline)}
    for one in api.pages(notes):
        if one["author"]["id"] == me and one["body"].startswith(MARK):
            api.ask("PUT", f"{notes}/{one['id']}", body)
            return f"The comment on merge request {number} is up to date."
    api.ask("POST", notes, body)
    return f"Merge request {number} has a comment now."


def fetch(name: str, folder: Path) -> Path | None:
    """Downloads an archive that `make prod-pack` made in the last release on the default branch; None where there is none."""
    address, project, token, branch = required("CI_API_V4_URL", "CI_PROJECT_ID", "CI_JOB_TOKEN", "CI_DEFAULT_BRANCH")
    file = folder / f"{name}.tar"
    path = (
        f"/projects/{project}/jobs/artifacts/{urllib.parse.quote(branch, safe='')}/raw/target/prod/{name}.tar?job={JOB}"
    )
    try:
        Api(address, {"JOB-TOKEN": token}).download(path, file)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
    return file


NEEDS = {"comment": f"a token with the scope api in {TOKEN}", "fetch": "access to the job's artifacts"}
CAN_EXPIRE = False
