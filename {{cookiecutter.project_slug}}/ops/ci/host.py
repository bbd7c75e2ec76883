"""What is asked of a code host, whichever it is. Standard library only: the job that may write comments installs nothing."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ops.ci import SUMMARY

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
        request = urllib.request.Request(f"{self.address}{path}", method=method)  # noqa: S310 - the host's own address
        for name, value in self._headers.items():
            request.add_unredirected_header(name, value)  # who the answer redirects to gets no token
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        return urllib.request.urlopen(request, timeout=SECONDS)  # noqa: S310

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
        sys.exit(f"{' and '.join(missing)} are not set. This task is for CI jobs; docs/ci.md says how they call it.")
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


def run(
    name: str,
    comment: Callable[[], str],
    fetch: Callable[[str, Path], Path | None],
    needs: dict[str, str],
    can_expire: bool,
) -> None:
    """The command line of a code host: comment, or fetch.

    Args:
        name: of the host's module.
        comment: writes the comment and returns what was done.
        fetch: gets an archive of a name into a folder, as `ops.ci.state.fetch` calls it.
        needs: what the job must be allowed, for `comment` and for `fetch`.
        can_expire: whether the host tells that an archive is kept no longer, so that --anew is of use.
    """
    parser = argparse.ArgumentParser(prog=f"python -m ops.ci.{name}", description="make ci-comment and make prod-fetch")
    tasks = parser.add_subparsers(required=True, dest="task")
    tasks.add_parser("comment")
    fetching = tasks.add_parser("fetch")
    fetching.add_argument("--current", action="store_true", help="The version that is prod alone, to be read.")
    if can_expire:
        text = "Start with no prod where the last one is kept no longer."
        fetching.add_argument("--anew", action="store_true", help=text)
    options = parser.parse_args()
    try:
        if options.task == "comment":
            print(comment())
            return
        from ops.ci import state  # needs what `make setup` installs

        with tempfile.TemporaryDirectory() as folder:
            print(state.fetch(fetch, options.current, can_expire and options.anew, Path(folder)))
    except urllib.error.URLError as error:
        sys.exit(problem(error, needs[options.task]))
