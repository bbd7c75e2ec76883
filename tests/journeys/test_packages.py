"""Where the dbt packages come from: a folder, the hub or a mirror; and a project that has none of them.

The hub here is a server on loopback that speaks its protocol, with a package of a few lines in the place of Elementary:
what is tested is how a package gets into the project. With the real one: journeys/test_monitoring.py.
"""

from __future__ import annotations

import io
import json
import socket
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.helpers import clean_environment, copy_project, release, run, succeed

VERSION = "0.25.1"
NO_HUB = "http://127.0.0.1:9/"  # nothing listens there


@pytest.fixture
def project(ready_project, tmp_path) -> Path:
    return copy_project(ready_project, tmp_path)


def installed(project: Path, package: str = "elementary") -> str:
    return str(yaml.safe_load((project / f"dbt_packages/{package}/dbt_project.yml").read_text())["version"])


def write_package(folder: Path, name: str, version: str, needs: str | None = None) -> None:
    """A dbt package of a few lines."""
    (folder / name / "macros").mkdir(parents=True)
    (folder / name / "dbt_project.yml").write_text(f"name: {name}\nversion: {version}\nconfig-version: 2\n")
    if needs:
        (folder / name / "packages.yml").write_text(f"packages:\n  - package: {needs}\n    version: 1.0.0\n")


@pytest.fixture
def hub(tmp_path) -> Iterator[str]:
    """A server with Elementary, and nothing else, in the form of the dbt hub."""
    write_package(tmp_path / "archive", "elementary", VERSION)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(tmp_path / "archive" / "elementary", arcname=f"elementary-{VERSION}")

    class Hub(BaseHTTPRequestHandler):
        def do_GET(self):
            address = f"http://{self.headers['Host']}"
            version = {
                "id": f"elementary-data/elementary/{VERSION}",
                "name": "elementary",
                "version": VERSION,
                "packages": [],
                "downloads": {"tarball": f"{address}/elementary.tar.gz", "format": "tgz", "sha1": ""},
                "require_dbt_version": [">=1.0.0", "<3.0.0"],
            }
            answers = {
                "/api/v1/elementary-data/elementary.json": json.dumps(
                    {"name": "elementary", "namespace": "elementary-data", "versions": {VERSION: version}}
                ).encode(),
                "/api/v1/index.json": b'["elementary-data/elementary"]',
                "/elementary.tar.gz": archive.getvalue(),
            }
            body = answers.get(self.path)
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def setup(project: Path, **environment: str):
    """The part of `make setup` after the Python tools. uv would point the shared .venv at this copy of the project."""
    return run(".venv/bin/dataops", "setup", cwd=project, environment=clean_environment(**environment))


def test_without_any_package_all_but_monitoring_works(project):
    """And no test of Elementary's is ever reported, as passed or otherwise."""
    done = setup(project, DBT_PACKAGE_HUB_URL=NO_HUB)
    assert done.code == 0, done
    start = next(i for i, line in enumerate(done.output.splitlines()) if line.startswith("2/3"))
    assert [line.strip() for line in done.output.splitlines()[start : start + 3]] == [
        "2/3 dbt packages: monitoring is off.",
        "The dbt hub cannot be reached (no connection). Elementary's dbt package is not installed; everything else works.",
        (
            "To install it: DBT_PACKAGES_DIR=<a folder with elementary and dbt_utils>, or DBT_PACKAGE_HUB_URL=<a mirror>,"
            " make setup"
        ),
    ]
    for target, passed in (("dev", 141), ("prod", 143)):
        build = release(project) if target == "prod" else succeed("make", "build", cwd=project)
        assert f"PASS={passed} WARN=0 ERROR=0 SKIP=0" in build.output, build
        assert "orders_of_a_day" not in build.output
        assert ("Elementary's dbt package is not installed, so nothing was monitored" in build.output) == (
            target == "prod"
        )
    by_hand = succeed(".venv/bin/dbt", "test", "--target", "prod", cwd=project)
    assert "orders_of_a_day" not in by_hand.output
    assert "arning" not in by_hand.output
    succeed("make", "lint", "docs", cwd=project)
    for task in ("report", "alerts", "stats", "monitor-clean"):
        refused = run("make", task, cwd=project)
        assert refused.code != 0
        assert "DBT_PACKAGES_DIR" in refused.output, refused
        assert "DBT_PACKAGE_HUB_URL" in refused.output, refused
        assert "Traceback" not in refused.output, refused


def test_a_firewall_that_swallows_requests_costs_seconds(project):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = setup(project, DBT_PACKAGE_HUB_URL=f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert done.code == 0, done
    assert "(no answer within 5 seconds)" in done.output
    assert done.seconds < 15 + 10, done  # of which uv and the hooks have a part


def test_a_mirror_of_the_hub(project, hub):
    done = setup(project, DBT_PACKAGE_HUB_URL=hub)
    assert done.code == 0, done
    assert "2/3 dbt packages: installed" in done.output
    assert installed(project) == VERSION
    assert installed(project, "dataops")
    assert "2/3 dbt packages: already installed" in setup(project, DBT_PACKAGE_HUB_URL=NO_HUB).output
    assert installed(project) == VERSION


def test_a_mirror_without_the_package_says_so(project, hub):
    packages = project / "packages.yml"
    packages.write_text(packages.read_text().replace(VERSION, "0.24.0"))
    assert f"{hub} has no elementary-data/elementary 0.24.0." in setup(project, DBT_PACKAGE_HUB_URL=hub).output


def test_a_mirror_needs_its_slash(project):
    done = setup(project, DBT_PACKAGE_HUB_URL="http://127.0.0.1:9")
    assert done.code != 0
    assert "DBT_PACKAGE_HUB_URL must end with a slash. Set it to http://127.0.0.1:9/" in done.output


def test_a_folder_of_packages(project, tmp_path):
    folder = tmp_path / "unpacked packages"
    write_package(folder, "elementary", VERSION, needs="dbt-labs/dbt_utils")
    before = installed(project)

    missing = setup(project, DBT_PACKAGES_DIR=str(folder))
    assert missing.code != 0
    assert f"DBT_PACKAGES_DIR: {folder} has no package dbt_utils. Put it there, unpacked," in missing.output
    assert installed(project) == before, "a half of the packages was put in place"

    write_package(folder, "dbt_utils", "1.4.1")
    done = setup(project, DBT_PACKAGES_DIR=str(folder))
    assert f"2/3 dbt packages: from {folder}" in done.output, done
    assert (installed(project), installed(project, "dbt_utils")) == (VERSION, "1.4.1")
    assert installed(project, "dataops")


def test_a_folder_with_another_version_is_refused(project, tmp_path):
    write_package(tmp_path / "packages", "elementary", "0.20.0")
    done = setup(project, DBT_PACKAGES_DIR=str(tmp_path / "packages"))
    assert done.code != 0
    assert f"has elementary 0.20.0, not {VERSION}." in done.output


def test_package_and_command_line_must_be_equal(project, tmp_path):
    """packages.yml and pyproject.toml name the version once each; one changed alone is found in make setup."""
    packages = project / "packages.yml"
    packages.write_text(packages.read_text().replace(VERSION, "0.24.0"))
    write_package(tmp_path / "packages", "elementary", "0.24.0")
    done = setup(project, DBT_PACKAGES_DIR=str(tmp_path / "packages"))
    assert done.code != 0
    assert f"Elementary's dbt package is 0.24.0 and its command line {VERSION}: they must be equal." in done.output
