"""make remove-sample: removes the sample, and leaves the project as it would have been generated without one.

ops/sample.sha256 lists what the sample brought: whole files, and parts of other files. Comments mark the parts:

- `# <sample>` to `# </sample>` (in Markdown `<!-- <sample> -->`): lines that go;
- `<!-- <sample/> -->` in a line: that line goes;
- `# <without-sample>` to `# </without-sample>`: lines that lose their `# ` and stay.

The template generates a project without the sample by the same code, so only the command line uses more than the standard
library.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LIST = "ops/sample.sha256"
PART = re.compile(
    r"^[ \t]*(?:#|<!--) <(?P<name>sample|without-sample)>[^\n]*\n(?P<lines>.*?)^[ \t]*(?:#|<!--) </(?P=name)>[^\n]*\n"
    r"|^[^\n]*<!-- <sample/> -->[^\n]*\n",
    re.MULTILINE | re.DOTALL,
)
MARK = re.compile(r"^[ \t]*(#|<!--) </?(sample|without-sample)>", re.MULTILINE)
COMMENT = re.compile(r"^([ \t]*)# ?", re.MULTILINE)
# dbt_project.yml names these, so they stay when they are empty.
KEPT_FOLDERS = ["models/staging", "models/intermediate", "models/marts", "seeds", "snapshots", "tests"]
SHARED_FOLDERS = {"docs", "models", "ops"}  # hold files of the sample among the project's own
UNDO = "git restore . && git clean --quiet --force '*.gitkeep'"
FAILED, IMPOSSIBLE, INTERRUPTED = 1, 2, 130


@dataclass(frozen=True)
class Sample:
    """What the sample brought.

    Attributes:
        files: the hash of each of its files, by path.
        parts: the hashes of its parts of other files, by path.
    """

    files: dict[str, str] = field(default_factory=dict)
    parts: dict[str, set[str]] = field(default_factory=dict)


def without_parts(text: str) -> str:
    r"""A text without the sample's parts.

    >>> without_parts("a:\n  # <sample> goes\n  b: 1\n  # </sample>\n  c: 2\n")
    'a:\n  c: 2\n'
    >>> without_parts("# <without-sample>\n# # why\n# d: 3\n# </without-sample>\n| x <!-- <sample/> --> |\n| y |\n")
    '# why\nd: 3\n| y |\n'
    """

    def remaining(part: re.Match[str]) -> str:
        return COMMENT.sub(r"\1", part["lines"]) if part["name"] == "without-sample" else ""

    return PART.sub(remaining, text)


def hash_of(content: bytes) -> str:
    """The hash by which a file or a part is recognized."""
    return hashlib.sha256(content).hexdigest()


def parts_of(text: str) -> list[str]:
    """The sample's parts of a text."""
    return [part[0] for part in PART.finditer(text)]


def write_list(project: Path, paths: Iterable[str]) -> None:
    """Writes the list of what the sample brought. The template does so, once, while it generates the project.

    Args:
        project: the folder of the project.
        paths: the files of the sample, and folders that hold nothing else.
    """
    found = (project / path for path in paths)
    files = {file for path in found for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()}
    lines = [(str(file.relative_to(project)), hash_of(file.read_bytes())) for file in files]
    for file in (file for file in project.rglob("*") if file.is_file() and file not in files):
        parts = enumerate(parts_of(file.read_bytes().decode()), 1)
        lines += [(f"{file.relative_to(project)}#{number}", hash_of(part.encode())) for number, part in parts]
    (project / LIST).write_bytes("".join(f"{hash}  {path}\n" for path, hash in sorted(lines)).encode())


def read_list(project: Path) -> Sample:
    """What the list says."""
    sample = Sample()
    for line in (project / LIST).read_text(encoding="utf-8").splitlines():
        hash, _, name = line.partition("  ")
        path, is_part, _ = name.partition("#")
        if is_part:
            sample.parts.setdefault(path, set()).add(hash)
        else:
            sample.files[path] = hash
    return sample


def plan(project: Path, sample: Sample) -> dict[str, bytes | None]:
    """What each file is to hold, by path; None: it is to be removed."""
    texts = {path: (project / path).read_bytes().decode() for path in sample.parts if (project / path).is_file()}
    written = {path: without_parts(text).encode() for path, text in texts.items() if parts_of(text)}
    if (answers := project / ".cruft.json").is_file():  # the next template update is to bring no sample either
        written[answers.name] = re.sub(rb'("example": *)"yes"', rb'\1"no"', answers.read_bytes())
    removed = [path for path in (*sample.files, LIST) if (project / path).exists()]
    gone = {project / path for path in removed}
    for folder in KEPT_FOLDERS:
        if all(path in gone or path.is_dir() for path in (project / folder).rglob("*")):
            written[f"{folder}/.gitkeep"] = b""
    return written | dict.fromkeys(removed)


def apply(project: Path, contents: dict[str, bytes | None]) -> None:
    """Writes and removes files, all of them or none."""
    before = {path: (project / path).read_bytes() if (project / path).exists() else None for path in contents}
    try:
        _put(project, contents)
    except BaseException:
        _put(project, before)
        raise


def _put(project: Path, contents: dict[str, bytes | None]) -> None:
    for file, content in ((project / path, content) for path, content in contents.items()):
        if content is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            continue
        file.unlink(missing_ok=True)
        for folder in file.parents:
            if folder == project or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()


class CannotRemove(Exception):
    """Why the sample cannot be removed, line by line.

    Attributes:
        code: the exit code.
    """

    def __init__(self, code: int, *lines: str):
        super().__init__("\n".join(lines))
        self.code = code


def git(*arguments: str) -> list[str]:
    """The entries that a git command prints, which ends each with a NUL."""
    done = subprocess.run(["git", *arguments], check=False, cwd=PROJECT, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise CannotRemove(
            IMPOSSIBLE,
            "Nothing was removed, because git could not tell what is committed:",
            *_indented(done.stderr.splitlines()[:1]),
            "The project must be a git repository with a commit, so that git can restore everything.",
        )
    return [entry for entry in done.stdout.split("\0") if entry]


def require_committed(paths: Iterable[str]) -> None:
    """Makes sure that git can restore these files, and that restoring them loses nothing else."""
    changed = git("diff", "HEAD", "--name-only", "--no-renames", "--relative", "-z")
    unknown = sorted(set(paths) - set(git("ls-files", "-z")))
    if found := [*changed, *unknown]:
        raise CannotRemove(
            IMPOSSIBLE,
            "Nothing was removed, because these files differ from the last commit:",
            *_indented(found),
            "Commit them (git add --all && git commit), so that git can restore everything. Then: make remove-sample",
        )


def changes(sample: Sample) -> list[str]:
    """The files and parts of the sample that somebody changed, sorted."""
    found = [
        path
        for path, hash in sample.files.items()
        if (PROJECT / path).is_file() and hash_of((PROJECT / path).read_bytes()) != hash
    ]
    if (data := [path for path in found if path.endswith(".csv")]) and made_by_task():
        found = [path for path in found if path not in data]
    for path, hashes in sample.parts.items():
        text = (PROJECT / path).read_bytes().decode() if (PROJECT / path).is_file() else ""
        if MARK.search(without_parts(text)) or any(hash_of(part.encode()) not in hashes for part in parts_of(text)):
            found.append(f"{path}, between the lines <sample> and </sample>")
    return sorted(found)


def made_by_task() -> bool:
    """Whether the seeds are what `make sample` made, up to the day of the last load in them."""
    from ops import sample_data

    seeds = PROJECT / "seeds" / "shop"
    try:
        since, until = sample_data.first_day(), date.fromisoformat(sample_data.last_load(seeds))
    except (OSError, KeyError, ValueError):
        return False
    days = (until - since).days + 1
    lines = days * sample_data.DEFAULT_ORDER_LINES // sample_data.DEFAULT_DAYS
    with tempfile.TemporaryDirectory() as folder:
        made = sample_data.write_csv(Path(folder), since, until, lines)
        return all(Path(folder, f"{table}.csv").read_bytes() == (seeds / f"{table}.csv").read_bytes() for table in made)


def own_files(sample: Sample) -> list[str]:
    """The files in the sample's folders that it did not bring, sorted."""
    folders = {Path(path).parent for path in sample.files} - {Path(folder) for folder in SHARED_FOLDERS}
    files = set(git("ls-files", "--cached", "--others", "--exclude-standard", "-z")) - {*sample.files}
    return sorted(file for file in files if folders.intersection(Path(file).parents) and (PROJECT / file).is_file())


def require_parsing(contents: dict[str, bytes | None], sample: Sample) -> None:
    """Makes sure that dbt can parse what will be left, which it does in a copy."""
    (PROJECT / "target").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PROJECT / "target", prefix="without_sample_") as folder:
        for file in git("ls-files", "--cached", "--others", "--exclude-standard", "-z"):
            if (PROJECT / file).is_file():
                Path(folder, file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(PROJECT / file, Path(folder, file))
        apply(Path(folder), contents)
        if (PROJECT / "dbt_packages").exists():
            Path(folder, "dbt_packages").symlink_to(PROJECT / "dbt_packages")
        parsed = _parse(Path(folder), "target")
    if parsed.returncode == 0:
        return
    if found := dependents(sample):
        raise CannotRemove(
            FAILED,
            "Nothing was removed, because these files of your own need models or data of the sample:",
            *_indented(found),
            "Change or remove them, and commit. Then: make remove-sample",
        )
    raise CannotRemove(
        FAILED,
        parsed.stdout.strip(),
        "Nothing was removed, because dbt cannot parse what would be left. Its message is above.",
    )


def _parse(folder: Path, target: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ops.run_dbt", "--quiet", "parse"]
    environment = os.environ | {"DBT_TARGET_PATH": target}
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
    return subprocess.run(command, check=False, cwd=folder, env=environment, **both)


def dependents(sample: Sample) -> list[str]:
    """The files that the sample did not bring and that need something of it, each with what it needs."""
    target = "target/with_sample"
    if _parse(PROJECT, target).returncode:
        return []
    manifest = json.loads((PROJECT / target / "manifest.json").read_text(encoding="utf-8"))
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


def remove_sample(dry_run: bool, yes: bool, include_changed: bool) -> None:
    """Removes the sample, after a question.

    Raises:
        CannotRemove: something would be lost, or the project would not work without the sample.
    """
    try:
        sample = read_list(PROJECT)
    except OSError as error:
        raise CannotRemove(
            IMPOSSIBLE,
            f"{LIST} lists the sample's files, and cannot be read: {error.strerror}.",
            f"Restore it: git log --oneline -- {LIST} shows the commits that have it.",
        ) from None
    contents = plan(PROJECT, sample)
    existing = [path for path in contents if (PROJECT / path).exists()]
    require_committed(existing)
    print(*summary(contents, every_file=dry_run), sep="\n")
    if own := own_files(sample):
        print("Your own files in the sample's folders, which stay:", *_indented(own), sep="\n")
    if (changed := changes(sample)) and include_changed:
        print("Changed since they came with the project, and removed too:", *_indented(changed), sep="\n")
    elif changed:
        raise CannotRemove(
            FAILED,
            "Nothing was removed, because these were changed since they came with the project:",
            *_indented(changed),
            "Move what you want to keep to your own files, or outside <sample> and </sample>, and commit. To remove the rest:"
            " make remove-sample ARGS=--include-changed",
        )
    unasked = CannotRemove(
        IMPOSSIBLE, "Nothing was removed. To remove the sample without a question: make remove-sample ARGS=--yes"
    )
    if not (dry_run or yes or sys.stdin.isatty()):
        raise unasked
    require_parsing(contents, sample)
    if dry_run:
        print("Nothing was removed. To remove the sample: make remove-sample")
        return
    if not yes and input("Remove the sample? [y/N]: ").strip().lower() not in ("y", "yes"):
        raise unasked
    require_committed(existing)  # a file may have been edited while the question was open
    apply(PROJECT, contents)
    print(f"The sample is removed. To undo this before you commit: {UNDO}")
    print(
        "Next: make build lint, then commit. The second message accepts that the next release drops the sample from prod:"
    )
    print('  git add --all && git commit -m "feat: remove the sample" -m "Accept-Differences: the sample was removed"')


def main() -> None:
    """Command line: see `--help`."""
    parser = argparse.ArgumentParser(
        prog="python -m ops.remove_sample",
        description="Remove the sample: its models, data, tests and docs, and the settings for it. Asks first.",
    )
    parser.add_argument("--dry-run", action="store_true", help="list every file that would be removed or changed")
    parser.add_argument("--yes", action="store_true", help="remove without asking")
    parser.add_argument(
        "--include-changed", action="store_true", help="remove files of the sample that you changed, too"
    )
    given = parser.parse_args()
    try:
        remove_sample(given.dry_run, given.yes, given.include_changed)
    except CannotRemove as reason:
        sys.stdout.flush()
        print(reason, file=sys.stderr)
        sys.exit(reason.code)
    except (KeyboardInterrupt, EOFError):
        print("\nStopped: nothing was removed.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except OSError as error:
        print(f"Nothing was removed: {error}", file=sys.stderr)
        sys.exit(IMPOSSIBLE)


if __name__ == "__main__":
    main()
