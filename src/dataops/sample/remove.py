"""dataops remove-sample: removes the sample, and leaves the project as it would have been generated without one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import click

from dataops import git
from dataops.errors import IMPOSSIBLE, WRONG, DataopsError, Interrupted, was_interrupted
from dataops.project import Project
from dataops.sample.parts import LIST, MARK, Sample, apply, hash_of, parts_of, plan, read_list, without_parts
from dataops.typed import typed

SHARED_FOLDERS = {"docs", "models", "scripts"}  # hold files of the sample among the project's own
UNDO = "git restore . && git clean --quiet --force '*.gitkeep'"


class CannotRemove(DataopsError):
    """Why the sample cannot be removed, line by line."""

    def __init__(self, exit_code: int, *lines: str):
        super().__init__("\n".join(lines), exit_code=exit_code)


def listed(project: Project, *arguments: str) -> list[str]:
    """The entries that a git command prints with `-z`."""
    try:
        return git.entries(project.root, *arguments)
    except git.GitFailed as error:
        raise CannotRemove(
            IMPOSSIBLE,
            "Nothing was removed, because git could not tell what is committed:",
            *_indented([error.problem]),
            "The project must be a git repository with a commit, so that git can restore everything.",
        ) from None


def require_committed(project: Project, paths: Iterable[str]) -> None:
    """Makes sure that git can restore these files, and that restoring them loses nothing else."""
    changed = listed(project, "diff", "HEAD", "--name-only", "--no-renames", "--relative", "-z")
    unknown = sorted(set(paths) - set(listed(project, "ls-files", "-z")))
    if found := [*changed, *unknown]:
        raise CannotRemove(
            IMPOSSIBLE,
            "Nothing was removed, because these files differ from the last commit:",
            *_indented(found),
            f"Commit them (git add --all && git commit), so that git can restore everything. Then: {typed('remove-sample')}",
        )


def changes(project: Project, sample: Sample) -> list[str]:
    """The files and parts of the sample that somebody changed, sorted."""
    found = [
        path
        for path, hash in sample.files.items()
        if project.path(path).is_file() and hash_of(project.path(path).read_bytes()) != hash
    ]
    if (data := [path for path in found if path.endswith(".csv")]) and made_by_task(project):
        found = [path for path in found if path not in data]
    for path, hashes in sample.parts.items():
        text = project.path(path).read_bytes().decode() if project.path(path).is_file() else ""
        if MARK.search(without_parts(text)) or any(hash_of(part.encode()) not in hashes for part in parts_of(text)):
            found.append(f"{path}, between the lines <sample> and </sample>")
    return sorted(found)


def made_by_task(project: Project) -> bool:
    """Whether the seeds are what `make sample` made, up to the day of the last load in them."""
    specification = spec_from_file_location("sample_data", project.path("scripts", "sample_data.py"))
    sample_data = module_from_spec(specification)
    specification.loader.exec_module(sample_data)
    seeds = project.path("seeds", "shop")
    try:
        since, until = sample_data.first_day(), date.fromisoformat(sample_data.last_load(seeds))
    except (OSError, KeyError, ValueError):
        return False
    days = (until - since).days + 1
    lines = days * sample_data.DEFAULT_ORDER_LINES // sample_data.DEFAULT_DAYS
    with tempfile.TemporaryDirectory() as folder:
        made = sample_data.write_csv(Path(folder), since, until, lines)
        return all(Path(folder, f"{table}.csv").read_bytes() == (seeds / f"{table}.csv").read_bytes() for table in made)


def own_files(project: Project, sample: Sample) -> list[str]:
    """The files in the sample's folders that it did not bring, sorted."""
    folders = {Path(path).parent for path in sample.files} - {Path(folder) for folder in SHARED_FOLDERS}
    files = set(listed(project, "ls-files", "--cached", "--others", "--exclude-standard", "-z")) - {*sample.files}
    return sorted(file for file in files if folders.intersection(Path(file).parents) and project.path(file).is_file())


def require_parsing(project: Project, contents: dict[str, bytes | None], sample: Sample) -> None:
    """Makes sure that dbt can parse what will be left, which it does in a copy."""
    project.path("target").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=project.path("target"), prefix="without_sample_") as folder:
        for file in listed(project, "ls-files", "--cached", "--others", "--exclude-standard", "-z"):
            if project.path(file).is_file():
                Path(folder, file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(project.path(file), Path(folder, file))
        apply(Path(folder), contents)
        if project.path("dbt_packages").exists():
            Path(folder, "dbt_packages").symlink_to(project.path("dbt_packages"))
        parsed = _parse(project, Path(folder), "target")
    if parsed.returncode == 0:
        return
    if found := dependents(project, sample):
        raise CannotRemove(
            WRONG,
            "Nothing was removed, because these files of your own need models or data of the sample:",
            *_indented(found),
            f"Change or remove them, and commit. Then: {typed('remove-sample')}",
        )
    raise CannotRemove(
        WRONG,
        parsed.stdout.strip(),
        "Nothing was removed, because dbt cannot parse what would be left. Its message is above.",
    )


def _parse(project: Project, folder: Path, target: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dataops", "dbt", "--quiet", "parse", "--target-path", target]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
    return subprocess.run(command, check=False, cwd=folder, env=dict(project.variables), **both)


def dependents(project: Project, sample: Sample) -> list[str]:
    """The files that the sample did not bring and that need something of it, each with what it needs."""
    target = "target/with_sample"
    if _parse(project, project.root, target).returncode:
        return []
    manifest = json.loads(project.path(target, "manifest.json").read_text(encoding="utf-8"))
    kinds = ("nodes", "sources", "exposures", "metrics", "semantic_models", "saved_queries", "unit_tests")
    nodes = {id: node for kind in kinds for id, node in manifest.get(kind, {}).items()}
    files = {id: node["original_file_path"] for id, node in nodes.items()}
    needs: dict[str, set[str]] = {}
    for id, node in nodes.items():
        needed = [one for one in node.get("depends_on", {}).get("nodes", []) if files.get(one) in sample.files]
        if needed and files[id] not in sample.files:
            needs.setdefault(files[id], set()).update(nodes[one]["name"] for one in needed)
    return sorted(f"{file}: {', '.join(sorted(names))}" for file, names in needs.items())


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def summary(contents: dict[str, bytes | None], every_file: bool) -> list[str]:
    """What a plan does, in lines: files that go, by folder or each of them, then files that are changed."""
    removed = [path for path, content in contents.items() if content is None]
    changed = [path for path, content in contents.items() if content is not None and not path.endswith(".gitkeep")]
    folders = Counter(str(Path(path).parent) for path in removed)
    shown = sorted(removed) if every_file else [f"{folder:26} {count:3}" for folder, count in sorted(folders.items())]
    return [
        f"Files of the sample, to be removed: {len(removed)}",
        *_indented(shown),
        f"Files with parts about the sample, to be cut: {len(changed)}",
        *_indented(sorted(changed)),
    ]


def remove_sample(project: Project, dry_run: bool, yes: bool, include_changed: bool) -> None:
    """Removes the sample, after a question.

    Raises:
        CannotRemove: something would be lost, or the project would not work without the sample.
    """
    try:
        sample = read_list(project.root)
    except OSError as error:
        raise CannotRemove(
            IMPOSSIBLE,
            f"{LIST} lists the sample's files, and cannot be read: {error.strerror}.",
            f"Restore it: git log --oneline -- {LIST} shows the commits that have it.",
        ) from None
    contents = plan(project.root, sample)
    existing = [path for path in contents if project.path(path).exists()]
    require_committed(project, existing)
    print(*summary(contents, every_file=dry_run), sep="\n")
    if own := own_files(project, sample):
        print("Your own files in the sample's folders, which stay:", *_indented(own), sep="\n")
    if (changed := changes(project, sample)) and include_changed:
        print("Changed since they came with the project, and removed too:", *_indented(changed), sep="\n")
    elif changed:
        raise CannotRemove(
            WRONG,
            "Nothing was removed, because these were changed since they came with the project:",
            *_indented(changed),
            "Move what you want to keep to your own files, or outside <sample> and </sample>, and commit. To remove the rest:"
            f" {typed('remove-sample', '--include-changed')}",
        )
    unasked = CannotRemove(
        IMPOSSIBLE, f"Nothing was removed. To remove the sample without a question: {typed('remove-sample', '--yes')}"
    )
    if not (dry_run or yes or sys.stdin.isatty()):
        raise unasked
    require_parsing(project, contents, sample)
    if dry_run:
        print(f"Nothing was removed. To remove the sample: {typed('remove-sample')}")
        return
    if not yes and input("Remove the sample? [y/N]: ").strip().lower() not in ("y", "yes"):
        raise unasked
    require_committed(project, existing)  # a file may have been edited while the question was open
    apply(project.root, contents)
    print(f"The sample is removed. To undo this before you commit: {UNDO}")
    print(
        f"Next: {typed('build')} && {typed('lint')}, then commit. The second message accepts that the next release drops the sample from prod:"
    )
    print('  git add --all && git commit -m "feat: remove the sample" -m "Accept-Differences: the sample was removed"')


@click.command()
@click.option("--dry-run", is_flag=True, help="List every file that would be removed or changed.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@click.option("--include-changed", is_flag=True, help="Remove files of the sample that you changed, too.")
@click.pass_obj
def main(project: Project, dry_run: bool, yes: bool, include_changed: bool) -> None:
    """Remove the sample: its models, data, tests and docs, and the settings for it. Asks first."""
    try:
        remove_sample(project, dry_run, yes, include_changed)
    except OSError as error:
        raise DataopsError(f"Nothing was removed: {error}") from error
    except BaseException as error:
        if was_interrupted(error) or isinstance(error, EOFError):
            raise Interrupted("\nStopped: nothing was removed.") from None
        raise
