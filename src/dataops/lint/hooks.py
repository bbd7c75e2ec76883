"""make lint and make format: the git hooks of .pre-commit-config.yaml, on all files.

pre-commit looks at what git tracks. So that a new file counts before it is added, and a folder that is no git
repository can be linted, the files are listed in a throw-away index; the project's own .git is not touched.

What passed the commit stage is remembered in target/lint.json by git's hashes. A model, seed, snapshot, test, analysis or
page of docs/ that passed and is unchanged is not linted again. A change to anything else (settings, macros, scripts/,
packages/, tools) lints every file again, since it may change what the hooks say of any file. The push stage always runs on
all files.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import sysconfig
import tempfile
from importlib.util import find_spec
from pathlib import Path

import click
import yaml

from dataops.errors import WRONG, DataopsError
from dataops.files import write_whole
from dataops.git import GitFailed, git
from dataops.project import Project
from dataops.typed import typed

MEMORY = Path("target", "lint.json")  # from the project's root
OF_A_COMMIT = "typed-message"  # has nothing to look at where nothing is committed
STAGES = {"lint": ["pre-commit", "pre-push"], "format": ["manual"]}
# What a hook says of a file here depends on that file alone, and on what is not in these folders. What depends on
# several files (does a ref exist, is a column described) the hooks of the push stage check, and those always run.
REMEMBERED = re.compile(
    r"(models|seeds|snapshots|tests|analyses|docs)/(?:(?!\.)[^/]+/)*(?!\.)[^/]+\.(sql|ya?ml|csv|md)"
)


class Index:
    """The files that .gitignore does not hide, in an index of git's.

    Args:
        project: whose files they are.
        folder: an empty one for the index, which lives as long as the folder.
    """

    def __init__(self, project: Project, folder: str) -> None:
        self.project = project
        self.environment = {**project.variables, "GIT_DIR": folder, "GIT_WORK_TREE": str(project.root)}
        for variable in ("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
            self.environment.pop(variable, None)
        self.git("init", "--quiet")
        self.add_all()

    def git(self, *arguments: str, text: str | None = None) -> str:
        """What a git command prints, with this index."""
        try:
            return git(self.project.root, *arguments, environment=self.environment, text=text)
        except GitFailed as error:
            raise DataopsError(f"git could not list the files: {error.problem}") from None

    def add_all(self) -> None:
        """Takes up every file as it is now."""
        self.git("-c", "core.safecrlf=false", "add", "--all", ".")

    def entries(self) -> set[str]:
        """Each file as `mode hash stage<tab>path`, so that a changed file is another entry."""
        return set(filter(None, self.git("ls-files", "--stage", "-z").split("\0")))

    def leave_out(self, entries: set[str]) -> None:
        """Takes files out of the index; the hooks do not see them then."""
        paths = "".join(f"{entry.partition(chr(9))[2]}\0" for entry in entries)
        self.git("update-index", "--force-remove", "-z", "--stdin", text=paths)

    def passes(self, stage: str, *options: str) -> bool:
        """Runs the hooks of a stage on the files of the index and returns whether all passed."""
        command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--hook-stage", stage, *options]
        skipped = ",".join(filter(None, (self.project.variables.get("SKIP"), OF_A_COMMIT)))
        environment = self.environment | {"SKIP": skipped}
        return subprocess.run(command, check=False, cwd=self.project.root, env=environment).returncode == 0


def is_remembered(entry: str) -> bool:
    """Whether it is enough to lint this file once, as long as it and the settings stay as they are."""
    return REMEMBERED.fullmatch(entry.partition("\t")[2]) is not None


def settings_hash(entries: set[str]) -> str:
    """One hash of all that decides what the hooks say of a file: the other files, and the versions of the tools."""
    tools = [sys.version, *(path.name for path in Path(sysconfig.get_path("purelib")).glob("*.dist-info"))]
    others = [entry for entry in entries if not is_remembered(entry)]
    return hashlib.sha256("\0".join(sorted(tools) + sorted(others)).encode()).hexdigest()


def passed_before(project: Project, settings: str) -> set[str]:
    """The files that passed under these settings; none where that is not known."""
    try:
        memory = json.loads(project.path(MEMORY).read_text(encoding="utf-8"))
        return set(memory["passed"]) if memory["settings"] == settings else set()
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def remember(project: Project, settings: str, entries: set[str]) -> None:
    """Notes that these files passed under these settings."""
    file = project.path(MEMORY)
    file.parent.mkdir(parents=True, exist_ok=True)
    passed = sorted(filter(is_remembered, entries))
    write_whole(file, json.dumps({"settings": settings, "passed": passed}, indent=0) + "\n")


def require_hooks(project: Project) -> None:
    """Raises DataopsError where there is nothing to run, or nothing that runs it."""
    problem = None
    if not project.path(".pre-commit-config.yaml").is_file():
        problem = ".pre-commit-config.yaml is missing."
    elif find_spec("pre_commit") is None:
        problem = "pre-commit is not installed."
    if problem:
        raise DataopsError(f"Nothing was checked: {problem}", f"What to do: {typed('doctor')}")


def stages_of(project: Project, hook: str, task: str) -> list[str]:
    """The stages of a task in which a hook runs; ends with the hooks that there are where it runs in none."""
    config = yaml.safe_load(project.path(".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = {
        one["id"]: [
            stage for stage in STAGES[task] if stage in one.get("stages", config.get("default_stages", [stage]))
        ]
        for repository in config["repos"]
        for one in repository["hooks"]
        if one["id"] != OF_A_COMMIT
    }
    if not hooks.get(hook):
        names = ", ".join(name for name, stages in hooks.items() if stages)
        raise click.UsageError(f"{hook!r} is not a hook of {typed(task)}. Hooks: {names}.")
    return hooks[hook]


hook_argument = click.argument("hook", required=False)
verbose_option = click.option("--verbose", is_flag=True, help="Show what each hook prints and how long it takes.")


@click.command()
@hook_argument
@click.option("--no-cache", is_flag=True, help="Also lint the files that passed before and are unchanged.")
@verbose_option
@click.pass_obj
def lint(project: Project, hook: str | None, no_cache: bool, verbose: bool) -> None:
    """Check all files, or check them with one HOOK: dataops lint sqlfluff"""
    require_hooks(project)
    options = [*filter(None, [hook]), *(["--verbose"] if verbose else [])]
    with tempfile.TemporaryDirectory() as folder:
        index = Index(project, folder)
        entries = index.entries()
        settings = settings_hash(entries)
        unchanged = set() if no_cache or hook else passed_before(project, settings) & entries
        if unchanged:
            print(
                f"{len(unchanged)} files passed before and are unchanged ({typed('lint', '--no-cache')} lints them too)."
            )
            index.leave_out(unchanged)
        passed = True
        for stage in stages_of(project, hook, "lint") if hook else STAGES["lint"]:
            if stage == "pre-push":  # looks at the project as a whole
                index.add_all()
            stage_passed = index.passes(stage, *options)
            passed = passed and stage_passed
            # pre-commit leaves out the hooks that SKIP names, and a file may have been edited meanwhile.
            complete = not hook and not project.variables.get("SKIP") and not index.git("diff-files", "--name-only")
            if stage == "pre-commit" and stage_passed and complete:
                remember(project, settings, entries)
        if not passed:
            raise DataopsError(
                f"Lint found problems; see above. `{typed('format')}` fixes what a tool can fix.", exit_code=WRONG
            )


@click.command("format")
@hook_argument
@verbose_option
@click.pass_obj
def format_(project: Project, hook: str | None, verbose: bool) -> None:
    """Fix what a tool can fix in all files, or run one HOOK alone: dataops format sqlfluff-fix"""
    require_hooks(project)
    options = [*filter(None, [hook]), *(["--verbose"] if verbose else [])]
    (stage,) = stages_of(project, hook, "format") if hook else STAGES["format"]
    with tempfile.TemporaryDirectory() as folder:
        index = Index(project, folder)
        entries = index.entries()
        index.leave_out(passed_before(project, settings_hash(entries)) & entries)
        if index.passes(stage, *options):
            print("All files were formatted correctly already.")
            return
        changed = index.git("diff-files", "--name-only").splitlines()
        # A hook that changes a file fails, as one that cannot go on does; what still fails now is the second kind.
        if changed:
            print("Files were changed. Running the hooks again to see what is left:")
            if index.passes(stage, *options):
                print(*(f"  {path}" for path in changed), sep="\n")
                print(f"{len(changed)} file(s) changed. Next: {typed('lint')}")
                return
        raise DataopsError("Some problems need fixing by hand; see above.", exit_code=WRONG)
