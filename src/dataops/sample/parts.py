"""The files and parts of files that the sample brought, and the project without them.

scripts/sample.sha256 lists what the sample brought: whole files, and parts of other files. Comments mark the parts:

- `# <sample>` to `# </sample>` (in Markdown `<!-- <sample> -->`): lines that go;
- `<!-- <sample/> -->` in a line: that line goes;
- `# <without-sample>` to `# </without-sample>`: lines that lose their `# ` and stay.

The template generates a project without the sample by this code, so it uses the standard library alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

LIST = "scripts/sample.sha256"
PART = re.compile(
    r"^[ \t]*(?:#|<!--) <(?P<name>sample|without-sample)>[^\n]*\n(?P<lines>.*?)^[ \t]*(?:#|<!--) </(?P=name)>[^\n]*\n"
    r"|^[^\n]*<!-- <sample/> -->[^\n]*\n",
    re.MULTILINE | re.DOTALL,
)
MARK = re.compile(r"^[ \t]*(#|<!--) </?(sample|without-sample)>", re.MULTILINE)
COMMENT = re.compile(r"^([ \t]*)# ?", re.MULTILINE)
# dbt_project.yml names these, so they stay when they are empty.
KEPT_FOLDERS = ["models/staging", "models/intermediate", "models/marts", "seeds", "snapshots", "tests"]


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
    package = project / "packages"  # this module mentions the marks itself
    others = (file for file in project.rglob("*") if file.is_file() and package not in file.parents)
    for file in (file for file in others if file not in files):
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
