"""The machine and the versions that the numbers belong to."""

from __future__ import annotations

import os
import platform
from importlib.metadata import distributions, version
from pathlib import Path

from tests.benchmarks.measure import command

PROJECT_TOOLS = ("dbt-core", "dbt-duckdb", "duckdb", "sqlfluff", "pre-commit")


def processor() -> str:
    """The model of the CPU, as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def operating_system() -> str:
    """The distribution and the kernel."""
    try:
        distribution = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()
    return f"{distribution}, {platform.system()} {platform.release()}"


def describe_machine() -> dict[str, str]:
    """CPU model, number of cores, memory, operating system, and how busy the machine is now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return {
        "CPU": processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "operating system": operating_system(),
        "load at the start": f"{os.getloadavg()[0]:.1f} (mean number of processes over the last minute)",
    }


def describe_versions(project: Path | None) -> dict[str, str]:
    """Versions by tool.

    Args:
        project: a set-up project, whose own tools did the work; None where none was needed.
    """
    versions = {
        "python": platform.python_version(),
        "cookiecutter": version("cookiecutter"),
        "uv": command("uv", "--version", cwd=Path.cwd()).output.split()[1],
    }
    if project is None:
        return versions | dict.fromkeys(PROJECT_TOOLS, "not used")
    packages = [str(folder) for folder in project.glob(".venv/lib/python*/site-packages")]
    found = {one.metadata["Name"].replace("_", "-"): one.version for one in distributions(path=packages)}
    return versions | {name: found[name] for name in PROJECT_TOOLS}
