"""What is asked of a code host, whichever it is. Standard library only: the job that may write comments installs nothing."""

from __future__ import annotations

import json
import os
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
from dataops.project import settings

SECONDS = 30  # without an answer
PAGE = 100  # entries of a list in one answer
MARK = "<!-- make ci -->"  # which comment is ours
NO_SUMMARY = """## 🔴 make ci

The run stopped before there was a result: setting up, linting or `make ci` itself failed. Its log says why.
"""


class Api:
    """A host's REST API.

    Args:
        address: of the API, without a slash at its end.
        headers: that say who asks.
    """

    def __init__(self, address: str, headers: dict[str, str]):
        self.address = address
        self._headers = headers

    def _open(self, method: str, path: str, body: Any = None):
        request = urllib.request.Request(f"{self.address}{path}", method=method)
        for name, value in self._headers.items():
            request.add_unredirected_header(name, value)  # who the answer redirects to gets no token
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        return urllib.request.urlopen(request, timeout=SECONDS)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What an address answers, as JSON has it.

        Raises:
            urllib.error.HTTPError: the host refuses.
        """
        with self._open(method, path, body) as answer:
            return json.load(answer)

    def pages(self, path: str, key: str | None = None) -> Iterator[Any]:
        """The entries of a list, however many answers they take.

        Args:
            path: of the list.
            key: where the entries are, where the answer is not the list itself.
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
        """Writes what an address answers into a file.

        Raises:
            urllib.error.HTTPError: the host refuses.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        with self._open("GET", path) as answer, file.open("wb") as target:
            shutil.copyfileobj(answer, target)


def required(*names: str) -> list[str]:
    """The values of environment variables that the host sets; ends the program where one is missing."""
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise DataopsError(
            f"{' and '.join(missing)} are not set. This task is for CI jobs; docs/ci.md says how they call it."
        )
    return [os.environ[name] for name in names]


def comment_text(run: str) -> str:
    """The comment: what `make ci` found, or that it found nothing, and where its log is.

    Args:
        run: address of the run's page.
    """
    found = SUMMARY.read_text(encoding="utf-8") if SUMMARY.exists() else NO_SUMMARY
    return f"{MARK}\n{found}\n[The run]({run})\n"


def problem(error: urllib.error.URLError, need: str) -> str:
    """Why the host was not of use, in one sentence.

    Args:
        error: what urllib raised.
        need: what the job must be allowed.
    """
    if isinstance(error, urllib.error.HTTPError):
        address = urllib.parse.urlsplit(error.url)
        return f"{address.netloc}{address.path} answers {error.code} {error.reason}. The job needs {need}."
    return f"The code host cannot be reached: {error.reason}"


def chosen() -> ModuleType:
    """The module of the code host that the project uses: [tool.dataops] code_host.

    Raises:
        DataopsError: it uses none.
    """
    host = settings().code_host
    if host == "none":
        raise DataopsError(
            "The project has no code host: [tool.dataops] in pyproject.toml has code_host = 'none'.",
            "Write github or gitlab there.",
        )
    return import_module(f"dataops.ci.hosts.{host}")


@contextmanager
def explained(task: str) -> Iterator[ModuleType]:
    """The code host, for one task; what it refuses becomes a DataopsError that says what the job needs.

    Args:
        task: `comment` or `fetch`.
    """
    host = chosen()
    try:
        yield host
    except urllib.error.URLError as error:
        raise DataopsError(problem(error, host.NEEDS[task])) from None
