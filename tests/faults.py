"""Faults in the middle of releases and rollbacks, while readers look on: `make faults` for the long run.

Four readers open prod again and again, and check that what they read is a whole version that was released. Meanwhile releases
and rollbacks are killed (or the disk is filled) at random moments. After each one the next release has to work by itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from tests.helpers import REPOSITORY, clean_environment, make_project, start, succeed
from tests.small_project import dataops, edition, make_release, make_small_project, set_edition

READERS = 4
# After these lines of a release comes what readers could notice, so half of the kills are near them.
LATE = ("5/6 docs", "6/6 publish")


@contextmanager
def readers(project: Path, folder: Path) -> Iterator[dict]:
    """Reads prod all the time. The dict gets `reads`, `faults` and `seen` (editions) at the end."""
    stop, found = folder / "stop", {"reads": 0, "faults": [], "seen": set()}
    stop.unlink(missing_ok=True)
    logs = [folder / f"reader_{number}.json" for number in range(READERS)]
    prod = project / "warehouse/prod/current/prod.duckdb"
    environment = clean_environment(PYTHONPATH=str(REPOSITORY))
    processes = [
        subprocess.Popen([sys.executable, REPOSITORY / "tests/reader.py", prod, stop, log], env=environment, cwd=folder)
        for log in logs
    ]
    try:
        yield found
    finally:
        stop.touch()
        for process in processes:
            process.wait(60)
    for log in logs:
        result = json.loads(log.read_text())
        found["reads"] += result["reads"]
        found["faults"] += result["faults"]
        found["seen"] |= set(result["seen"])


def interrupt(process: subprocess.Popen, seconds: float, line: str | None) -> str:
    """Kills a process some time after it started, or after it printed a line. Returns where it was."""
    last = "the start"
    if line:
        for printed in process.stdout:
            if line in printed:
                last = line
                break
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for printed in process.stdout:
        if printed[1:3] == "/6":
            last = printed.strip()
    return last if process.wait() < 0 else "the end"


def kill_at_random_moments(project: Path, moments: int, seed: int, say=print) -> dict:
    """Kills releases and rollbacks at random moments, with readers looking on.

    Args:
        project: the small project with a first version.
        moments: how many kills.
        seed: of the random numbers.
        say: gets a line now and then.

    Returns:
        What the readers found, where the kills came (`where`), and how many releases after them succeeded (`succeeded`).
    """
    chance, where, succeeded = random.Random(seed), Counter(), 0
    began = time.perf_counter()
    number = edition(project) + 1
    set_edition(project, number)
    duration = make_release(project, "--accept", "a new edition").seconds
    released = {number - 1, number}
    with tempfile.TemporaryDirectory() as folder, readers(project, Path(folder)) as found:
        for moment in range(moments):
            number += 1
            set_edition(project, number)
            rollback = chance.random() < 0.3
            late = chance.choice(LATE) if chance.random() < 0.5 else None
            command = ("rollback",) if rollback else ("release", "--accept", "x")
            environment = clean_environment(PYTHONUNBUFFERED="1")
            process = start(".venv/bin/dataops", *command, cwd=project, environment=environment)
            if rollback:
                seconds, late = chance.uniform(0.2, 2), None
            else:
                seconds = chance.uniform(0, 0.5) if late else chance.uniform(0, duration)
            place = interrupt(process, seconds, late)
            where[f"{'rollback' if rollback else 'release'}, {place}"] += 1
            released |= {number}
            edition(project)  # whole at once, without anybody's help
            number += 1
            set_edition(project, number)
            make_release(project, "--accept", "after a kill")
            assert edition(project) == number
            released |= {number}
            succeeded += 1
            if (moment + 1) % 10 == 0:
                say(f"{moment + 1} kills, {succeeded} releases after them, {time.perf_counter() - began:.0f} s")
    found |= {"where": where, "succeeded": succeeded, "unknown": found["seen"] - released}
    return found


def fill_the_disk(project: Path, moments: int, seed: int, say=print) -> dict:
    """Fills the disk of prod at random moments of a release. Needs root: prod gets a small file system of its own.

    Returns:
        Exit codes (`codes`) and how many releases succeeded once there was room again (`succeeded`).
    """
    chance, codes, succeeded = random.Random(seed), Counter(), 0
    prod = project / "warehouse/prod"
    with tempfile.TemporaryDirectory() as whole:
        shutil.copytree(prod, whole, symlinks=True, dirs_exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(prod)], check=True)
        shutil.copytree(whole, prod, symlinks=True, dirs_exist_ok=True)
    number = edition(project)
    filler = prod / "filler"
    try:
        for moment in range(moments):
            before = number
            number += 1
            set_edition(project, number)
            process = start(".venv/bin/dataops", "release", "--accept", "x", cwd=project)
            step = chance.choice(["1/6", "2/6", "START sql table", "3/6", "4/6", *LATE])
            printed = []
            for line in process.stdout:
                printed.append(line)
                if step in line:
                    break
            time.sleep(chance.uniform(0, 0.3))
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as full:
                while True:
                    full.write(b"x" * 2**20)
            output = "".join(printed) + process.stdout.read()
            code = process.wait()
            codes[code] += 1
            assert "Traceback" not in output, output
            now = edition(project)
            assert now == (number if code == 0 else before), output
            if code:
                assert "prod is still" in output or "prod is intact" in output, output
            filler.unlink(missing_ok=True)
            number += 1
            set_edition(project, number)
            make_release(project, "--accept", "there is room again")
            assert edition(project) == number
            succeeded += 1
            say(f"{moment + 1} times full ({step}), exit code {code}, {succeeded} releases after them")
    finally:
        filler.unlink(missing_ok=True)
        subprocess.run(["umount", str(prod)], check=False)
    return {"codes": codes, "succeeded": succeeded}


def new_project(folder: Path) -> Path:
    """A small project with a first version, with tools of its own."""
    tools = make_project(folder / "tools", example="no", ci="none", monitoring="none")
    succeed("make", "setup", cwd=tools)
    project = make_small_project(folder / "made", tools / ".venv")
    make_release(project)
    return project


@click.command()
@click.option("--kills", default=200, show_default=True, help="Releases and rollbacks that are killed.")
@click.option("--full-disks", default=20, show_default=True, help="Releases whose disk is filled; needs root.")
@click.option("--project", type=Path, help="A small project with a first version.  [default: a new one]")
@click.option("--seed", default=None, type=int, help="Of the random moments.  [default: another one each time]")
def main(kills: int, full_disks: int, project: Path | None, seed: int | None) -> None:
    """Break releases and rollbacks at random moments while readers look on, and print the result."""
    seed = seed if seed is not None else random.randrange(10**6)
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory() as name:
        if project is None:
            print("Making a project, with a first version of prod")
            project = new_project(Path(name))
        found = kill_at_random_moments(project, kills, seed)
        for place, count in sorted(found["where"].items()):
            print(f"  killed in {place}: {count}")
        print(f"{kills} kills. {READERS} readers read {found['reads']:,} times: {len(found['faults'])} faults.")
        print(f"{found['succeeded']} of {kills} next releases succeeded, with nothing done by hand.")
        problems = [*found["faults"], *(f"a reader saw edition {one}, which nobody made" for one in found["unknown"])]
        if full_disks and os.geteuid() == 0:
            full = fill_the_disk(project, full_disks, seed)
            print(
                f"{full_disks} full disks: exit codes {dict(full['codes'])}; {full['succeeded']} next releases succeeded."
            )
        elif full_disks:
            print("Full disks: not tried, they need root.")
        dataops(project, "releases")
    for problem in problems:
        print(f"FAULT: {problem}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
