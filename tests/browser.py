"""Opens a page as its reader does, in headless Chromium, and hands back what can be read on it."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

from tests.helpers import succeed

ADDRESS = re.compile(r"https?://([\w.-]+)")
HIDDEN = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL)


@dataclass(frozen=True)
class Seen:
    """A page that a browser has shown."""

    text: str  # what can be read, in one line
    dom: str  # the page as its scripts left it
    asked: set[str]  # the hosts named in the page that the browser asked for something


def look_at(page: Path, folder: Path, route: str = "") -> Seen:
    """Shows a page, waits until its scripts are done, and hands back what is on it.

    Args:
        page: the HTML file.
        folder: where the browser may write.
        route: what follows the `#` in the address.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("needs chromium on the PATH (Debian: apt install chromium)")
    log = folder / "network.json"
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    options += ["--virtual-time-budget=20000", f"--user-data-dir={folder / 'browser'}", f"--log-net-log={log}"]
    dom = succeed(chromium, *options, "--dump-dom", page.as_uri() + (f"#{route}" if route else ""), cwd=folder).output
    shown = dom[dom.index("<html") :]  # before it: what the browser complains of
    text = unescape(re.sub(r"<[^>]+>", " ", HIDDEN.sub("", shown)))
    # The browser asks its maker for this and that, too; only what the page names counts.
    named = set(ADDRESS.findall(page.read_text(encoding="utf-8")))
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    asked = set(ADDRESS.findall(" ".join(str(event.get("params", {}).get("url")) for event in events)))
    return Seen(" ".join(text.split()), shown, named & asked)
