"""Doubles of GitHub and GitLab: workflows run step by step in clean clones, REST APIs on loopback.

They do what the actions do: a check-out is a clone, an artifact is a zip in a folder. Python, uv and their caches are those
of this machine. The steps' own commands run as they are written, in the environment that the file gives them.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import threading
import urllib.parse
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from tests.helpers import Done, clean_environment, run, succeed

REPOSITORY_NAME = "corner-shop/data"
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")
NO_HUB = "http://127.0.0.1:9/"  # nothing listens there: make setup need not wait for an answer


class Server(ThreadingHTTPServer):
    """A REST API on loopback. `requests` has method, path and headers of all that was asked."""

    daemon_threads = True

    def __init__(self, answer):
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.answer = answer

        class Handler(BaseHTTPRequestHandler):
            def respond(handler) -> None:
                length = int(handler.headers.get("Content-Length") or 0)
                body = json.loads(handler.rfile.read(length)) if length else None
                self.requests.append((handler.command, handler.path, dict(handler.headers)))
                parts = urllib.parse.urlsplit(handler.path)
                status, content = self.answer(
                    handler.command, parts.path, dict(urllib.parse.parse_qsl(parts.query)), body
                )
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                handler.send_response(status)
                if status == 302:
                    handler.send_header("Location", content["location"])
                handler.send_header("Content-Length", str(len(data)))
                handler.end_headers()
                handler.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_PUT = respond

            def log_message(handler, *_) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(answer) -> Iterator[Server]:
    """A server as long as the block runs."""
    server = Server(answer)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def page_of(entries: list, query: dict[str, str]) -> list:
    """The part of a list that an API answers with."""
    size, number = int(query.get("per_page", 30)), int(query.get("page", 1))
    return entries[(number - 1) * size : number * size]


@dataclass
class Artifact:
    id: int
    name: str
    content: bytes
    branch: str = "main"
    repository: int = 1
    expired: bool = False
    run: int = 0

    def as_json(self) -> dict[str, Any]:
        run = {"head_branch": self.branch, "head_repository_id": self.repository}
        times = {"created_at": f"2026-01-01T00:00:{self.id % 60:02d}Z", "expired": self.expired}
        return {"id": self.id, "name": self.name, "workflow_run": run, **times}


@dataclass(frozen=True)
class Cache:
    """A file that actions/cache keeps from run to run, with the branch that it is for."""

    key: str
    branch: str
    content: bytes


@dataclass
class GitHub:
    """A repository on GitHub: its artifacts and the comments on its pull requests, and an API that knows them."""

    artifacts: list[Artifact] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    storage: str = ""  # where downloads are redirected to
    refused: int = 0  # the status of every answer, if not 0
    api: Server | None = None
    downloads: Server | None = None

    def keep(self, name: str, content: bytes, **what) -> None:
        self.artifacts.append(Artifact(len(self.artifacts) + 1, name, content, **what))

    def of_run(self, name: str, run: int) -> Artifact | None:
        return next((one for one in self.artifacts if (one.name, one.run) == (name, run)), None)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if self.refused:
            return self.refused, {}
        repository = f"/repos/{REPOSITORY_NAME}"
        if (method, path) == ("GET", repository):
            return 200, {"id": 1, "default_branch": "main"}
        if (method, path) == ("GET", f"{repository}/actions/artifacts"):
            named = [one.as_json() for one in reversed(self.artifacts) if one.name == query["name"]]
            return 200, {"total_count": len(named), "artifacts": page_of(named, query)}
        if found := re.fullmatch(rf"{repository}/actions/artifacts/(\d+)/zip", path):
            return 302, {"location": f"{self.storage}/{found[1]}"}
        if found := re.fullmatch(rf"{repository}/issues/(\d+)/comments", path):
            own = self.comments.setdefault(int(found[1]), [])
            if method == "GET":
                return 200, page_of(own, query)
            number = sum(map(len, self.comments.values())) + 100
            own.append({"id": number, "user": {"login": "github-actions[bot]"}, **body})
            return 201, own[-1]
        if method == "PATCH" and (found := re.fullmatch(rf"{repository}/issues/comments/(\d+)", path)):
            (one,) = (one for own in self.comments.values() for one in own if one["id"] == int(found[1]))
            one.update(body)
            return 200, one
        return 404, {}

    def download(self, _method: str, path: str, _query: dict[str, str], _body: Any) -> tuple[int, bytes]:
        return 200, next(one.content for one in self.artifacts if one.id == int(path[1:]))


@contextmanager
def hosting() -> Iterator[GitHub]:
    """A repository on GitHub, with nothing in it yet, and its servers."""
    host = GitHub()
    with serving(host.answer) as api, serving(host.download) as storage:
        host.storage, host.api, host.downloads = storage.address, api, storage
        yield host


class GitLab:
    """A project on GitLab: the artifacts of its job `release`, and the notes of a merge request."""

    def __init__(self):
        self.api: Server | None = None
        self.files: dict[str, bytes] = {}
        self.notes = [{"id": number, "author": {"id": 5}, "body": "talk"} for number in range(130)]
        self.notes.insert(0, {"id": 900, "author": {"id": 5}, "body": "<!-- make ci -->\nnot ours"})

    def answer(self, method, path, query, body):
        notes = "/projects/7/merge_requests/3/notes"
        if path.startswith("/projects/7/jobs/artifacts/main/raw/") and query == {"job": "release"}:
            name = path.removeprefix("/projects/7/jobs/artifacts/main/raw/")
            return (200, self.files[name]) if name in self.files else (404, {})
        if (method, path) == ("GET", "/user"):
            return 200, {"id": 8}
        if (method, path) == ("GET", notes):
            return 200, page_of(self.notes, query)
        if (method, path) == ("POST", notes):
            self.notes.append({"id": 1000 + len(self.notes), "author": {"id": 8}, **body})
            return 201, self.notes[-1]
        (note,) = (one for one in self.notes if method == "PUT" and path == f"{notes}/{one['id']}")
        note.update(body)
        return 200, note


def packed(folder: Path, paths: list[str]) -> bytes | None:
    """A zip as actions/upload-artifact makes it; None where there is no file."""
    roots = [folder / path for path in paths]
    files = [file for root in roots for file in ([root] if root.is_file() else root.rglob("*")) if file.is_file()]
    if not files:
        return None
    single = roots[0] if len(roots) == 1 else None
    top = Path(os.path.commonpath([single.parent if single and single.is_file() else root for root in roots]))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(top))
    return content.getvalue()


@dataclass
class Step:
    """A step of a workflow that was run, and what came of it."""

    name: str
    done: Done | None
    outcome: str


def step(steps: list[Step], name: str) -> Step:
    """The step of a name."""
    (found,) = (one for one in steps if one.name == name)
    return found


def failed(steps: list[Step]) -> list[str]:
    """The names of the steps that failed."""
    return [one.name for one in steps if one.outcome == "failure"]


class Runner:
    """Runs workflows of a repository, each in a clean clone.

    Args:
        origin: the repository.
        folder: for the clones.
        github: keeps artifacts and comments.
        address: of its API.
    """

    def __init__(self, origin: Path, folder: Path, github: GitHub, address: str):
        self.origin, self.folder, self.github, self.address = origin, folder, github, address
        self.clones = self.runs = 0
        self.branch = "main"
        self.caches: list[Cache] = []
        self.secrets = {"ALERTS_WEBHOOK": ""}

    def clone(self, commit: str) -> Path:
        """A clean clone at a commit, with the tools of the origin where `make setup` ran there (it takes long)."""
        self.clones += 1
        target = self.folder / f"clone{self.clones}" / self.origin.name
        succeed("git", "clone", "--quiet", self.origin, target, cwd=self.folder)
        succeed("git", "checkout", "--quiet", "--detach", commit, cwd=target)
        return target

    def workflow(self, file: str, commit: str, set_up: bool = True, **event: Any) -> dict[str, list[Step]]:
        """Runs all jobs of a workflow file.

        Args:
            file: its name.
            commit: what triggered it.
            set_up: whether the steps that set up and lint run; otherwise the tools of the origin are used.
            event: `pull_request` (its number), `base` (commit of its branch), `inputs`, `fork` (its pull request is one's).
        """
        content = yaml.safe_load((self.origin / ".github/workflows" / file).read_text(encoding="utf-8"))
        assert set(content) >= {"name", "permissions", "jobs"}
        jobs: dict[str, list[Step]] = {}
        self.runs += 1
        self.branch = f"change {event['pull_request']}" if "pull_request" in event else "main"
        for name, job in content["jobs"].items():
            jobs[name] = self.job(content, job, commit, set_up, jobs.get(job.get("needs"), []), event)
        return jobs

    def job(self, workflow, job, commit: str, set_up: bool, before: list[Step], event) -> list[Step]:
        full_name = "somebody/data" if event.get("fork") else REPOSITORY_NAME
        pull_request = {"number": event.get("pull_request"), "head": {"repo": {"full_name": full_name}}}
        pull_request["base"] = {"sha": event.get("base", commit)}
        context = {
            "github": as_object(
                {
                    "token": "t0ken",
                    "repository": REPOSITORY_NAME,
                    "run_id": self.runs + 70,
                    "event": {"pull_request": pull_request},
                }
            ),
            "vars": SimpleNamespace(WAREHOUSE_DIR=""),
            "secrets": SimpleNamespace(**self.secrets),
            "inputs": SimpleNamespace(**{"start_empty": False, "id": "", **event.get("inputs", {})}),
            "cancelled": lambda: False,
        }
        failed_before = any(step.outcome == "failure" for step in before)
        if not should_run(job, context, failed_before, {}):
            return []
        steps, outcomes, folder = [], {}, None
        to_keep: dict[str, str] = {}
        page = self.folder / f"summary{self.runs}.md"
        event_file = self.folder / "event.json"
        event_file.write_text(json.dumps({"pull_request": pull_request}), encoding="utf-8")
        own = {
            "CI": "true",
            "GITHUB_API_URL": self.address,
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": REPOSITORY_NAME,
            "GITHUB_RUN_ID": str(self.runs + 70),
            "GITHUB_EVENT_PATH": str(event_file),
            "GITHUB_STEP_SUMMARY": str(page),
            "DBT_PACKAGE_HUB_URL": NO_HUB,
        }
        for step in job["steps"]:
            failed = any(one.outcome == "failure" for one in steps)
            if not should_run(step, context, failed, outcomes):
                outcome, done = "skipped", None
            elif "uses" in step:
                done, action = None, step["uses"].partition("@")[0]
                if action == "actions/checkout":
                    folder = self.clone(fill(step["with"].get("ref", commit), context))
                    if not set_up and "pull_request.base" not in str(step["with"].get("ref")):
                        (folder / ".venv").symlink_to(self.origin / ".venv")
                        shutil.copytree(self.origin / "dbt_packages", folder / "dbt_packages", symlinks=True)
                    outcome = "success"
                elif action == "actions/cache":
                    if step["with"]["path"].startswith("target/"):  # uv's is this machine's
                        given = {name: fill(value, context) for name, value in step["with"].items()}
                        to_keep[given["key"]] = given["path"]
                        self.restore(given, folder)
                    outcome = "success"
                else:
                    outcome = self.act(action, step["with"], folder)
                if outcome == "failure" and step.get("continue-on-error"):
                    outcome = "success"
            elif not set_up and step["run"] in ("make setup", "make lint"):
                outcome, done = "success", None
            else:
                given = {**workflow.get("env", {}), **job.get("env", {}), **step.get("env", {})}
                given = {name: fill(value, context) for name, value in given.items() if name != "UV_CACHE_DIR"}
                done = run("bash", "-e", "-c", step["run"], cwd=folder, environment=clean_environment(**own, **given))
                outcome = "failure" if done.code else "success"
            outcomes[step.get("id", "")] = outcome
            steps.append(Step(step["name"], done, outcome))
        if not any(one.outcome == "failure" for one in steps):
            for key, path in to_keep.items():
                if (folder / path).exists():
                    self.caches.append(Cache(key, self.branch, (folder / path).read_bytes()))
        return steps

    def restore(self, given: dict[str, Any], folder: Path) -> None:
        """What actions/cache does before a job: the newest file whose key begins so, of this branch, then of main."""
        for branch in (self.branch, "main"):
            for cache in reversed(self.caches):
                if cache.branch == branch and cache.key.startswith((given["key"], given["restore-keys"])):
                    (folder / given["path"]).parent.mkdir(parents=True)
                    (folder / given["path"]).write_bytes(cache.content)
                    return

    def act(self, action: str, given: dict[str, Any], folder: Path) -> str:
        """What an action does. An unknown one is an error."""
        if action == "actions/upload-artifact":
            content = packed(folder, given["path"].split())
            if content is None:
                return "failure" if given.get("if-no-files-found") == "error" else "success"
            self.github.keep(given["name"], content, run=self.runs, branch=self.branch)
        elif action == "actions/download-artifact":
            artifact = self.github.of_run(given["name"], self.runs)
            if artifact is None:
                return "failure"
            with zipfile.ZipFile(io.BytesIO(artifact.content)) as archive:
                archive.extractall(folder / given["path"])
        else:
            assert action == "actions/setup-python", action
        return "success"


def as_object(value: Any) -> Any:
    """Values of a dictionary by attribute."""
    return SimpleNamespace(**{key: as_object(one) for key, one in value.items()}) if isinstance(value, dict) else value


def evaluate(expression: str, context: dict[str, Any]) -> Any:
    """A GitHub expression: those that the workflows use read like Python's, but for three signs."""
    python = re.sub(r"!(?!=)", " not ", expression.replace("&&", " and ").replace("||", " or ")).strip()
    return eval(python, {"__builtins__": {}}, context)


def fill(text: Any, context: dict[str, Any]) -> str:
    """Text with the values of its expressions."""
    return EXPRESSION.sub(lambda found: str(evaluate(found[1], context)), str(text))


def should_run(part: dict[str, Any], context: dict[str, Any], failed: bool, outcomes: dict[str, str]) -> bool:
    """Whether a job or step runs, after what failed before it."""
    condition = str(part.get("if", "")).removeprefix("${{").removesuffix("}}").strip()
    if not condition:
        return not failed
    steps = {name: {"outcome": outcome} for name, outcome in outcomes.items() if name}
    found = evaluate(condition, {**context, "failure": lambda: failed, "steps": as_object(steps)})
    return bool(found) and (not failed or "cancelled()" in condition or "failure()" in condition)
