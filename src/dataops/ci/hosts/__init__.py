"""The code host, chosen by the setting `code_host` in [tool.dataops]: `github`, `gitlab` or `none`.

The module of each host has comment(), download(), and NEEDS: the permissions that the job must have. Standard library only,
because the job that may write comments installs nothing.
"""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from dataops.ci import SUMMARY
from dataops.errors import DataopsError
from dataops.project import Project, place_of_settings
from dataops.typed import typed

SECONDS = 30  # to wait for an answer
PAGE = 100  # entries of a list in one answer
MARK = "<!-- make ci -->"  # our comment begins with it
NO_SUMMARY = """## 🔴 {ci}

The run stopped before there was a result: set-up, lint or `{ci}` itself failed. Its log says why.
"""


class Expired(DataopsError):
    """An artifact existed, and the code host no longer keeps it."""


class Api:
    """A host's REST API.

    Args:
        address: of the API, without a trailing slash.
        headers: for authentication.
    """

    def __init__(self, address: str, headers: dict[str, str]):
        self.address = address
        self._headers = headers

    def _open(self, method: str, path: str, body: Any = None):
        request = urllib.request.Request(f"{self.address}{path}", method=method)
        for name, value in self._headers.items():
            request.add_unredirected_header(name, value)  # not sent to where a redirect leads
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        return urllib.request.urlopen(request, timeout=SECONDS)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Sends a request and returns the JSON of the answer.

        Raises:
            urllib.error.HTTPError: the host refuses.
        """
        with self._open(method, path, body) as answer:
            return json.load(answer)

    def pages(self, path: str, key: str | None = None) -> Iterator[Any]:
        """The entries of a list, from all its pages.

        Args:
            path: of the list.
            key: of the entries in an answer; None if the answer is the list itself.
        """
        number = 0
        while True:
            number += 1
            answer = self.ask("GET", f"{path}{'&' if '?' in path else '?'}per_page={PAGE}&page={number}")
            entries = answer[key] if key else answer
            yield from entries
            if len(entries) < PAGE:
                return

    def download(self, path: str, file: Path) -> None:
        """Downloads an address into a file.

        Raises:
            urllib.error.HTTPError: the host refuses.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        with self._open("GET", path) as answer, file.open("wb") as target:
            shutil.copyfileobj(answer, target)


def required(project: Project, *names: str) -> list[str]:
    """The values of environment variables that the host sets.

    Raises:
        DataopsError: one is missing.
    """
    missing = [name for name in names if not project.variables.get(name)]
    if missing:
        raise DataopsError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
            "This task is for CI jobs; docs/ci.md says how they call it.",
        )
    return [project.variables[name] for name in names]


def comment_text(project: Project, run: str) -> str:
    """The comment: the summary of `ci`, or that there is none, and a link to the log.

    Args:
        project: whose summary it is.
        run: the address of the run's page.
    """
    file = project.path(SUMMARY)
    summary = (
        file.read_text(encoding="utf-8") if file.exists() else NO_SUMMARY.format(ci=typed("ci", project=project.root))
    )
    return f"{MARK}\n{summary}\n[The run]({run})\n"


def problem(error: urllib.error.URLError, need: str) -> str:
    """Why a request failed, in one or two sentences.

    Args:
        error: what urllib raised.
        need: the permission that the job must have.
    """
    if isinstance(error, urllib.error.HTTPError):
        address = urllib.parse.urlsplit(error.url)
        return f"{address.netloc}{address.path} answers {error.code} {error.reason}. The job needs {need}."
    return f"The code host cannot be reached: {error.reason}"


def chosen(project: Project) -> ModuleType:
    """The module of the project's code host: [tool.dataops] code_host.

    Raises:
        DataopsError: it uses none.
    """
    host = project.settings.code_host
    if host == "none":
        raise DataopsError(
            f'There is no code host: the setting code_host is "none" in {place_of_settings(project.root)}.',
            'Write code_host = "github" or "gitlab" there.',
        )
    return import_module(f"dataops.ci.hosts.{host}")


@contextmanager
def explained(project: Project, task: str) -> Iterator[ModuleType]:
    """The code host, for one task.

    Args:
        project: whose code host it is.
        task: `comment` or `pull`.

    Raises:
        DataopsError: the host refuses a request or cannot be reached; the message says what the job needs.
    """
    host = chosen(project)
    try:
        yield host
    except urllib.error.URLError as error:
        raise DataopsError(problem(error, host.NEEDS[task])) from None
