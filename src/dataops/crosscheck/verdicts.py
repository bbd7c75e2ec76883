"""Whether two builds of a model may be compared, and what a difference means."""

from __future__ import annotations

from dataops.crosscheck import CannotCompare
from dataops.crosscheck.comparison import Comparison
from dataops.crosscheck.datasets import Build, Dataset
from dataops.manifest import Model

STATES = {
    "empty": "was built without rows (--empty)",
    "sample": "was built from a sample of its rows (--sample)",
    "started": "was not built to the end: its last build was stopped, or skipped it because something before it failed",
    "skipped": "was not built: its last build skipped it because something before it failed",
    "error": "was not built: its last build failed",
}


def require_data(dataset: Dataset, build: Build, model: Model) -> None:
    """Raises CannotCompare unless the last build of a model left data."""
    if build.state != "success":
        problem = STATES.get(build.state, f"was not built: its last build ended with {build.state!r}")
        whole = build.state in ("empty", "sample") or not dataset.environment
        again = f"Build again, and fix what that reports: {dataset.how_to_build()}"
        raise CannotCompare(f"{model.name} of {dataset.name} {problem}.", _rebuild(dataset) if whole else again)


def require_fresh(head: Dataset, model: Model, models: dict[str, Model]) -> None:
    """Raises CannotCompare if the head is not what the code, or its own parents, would give now.

    Args:
        head: the dataset under test. A file that belongs to no environment may be older than the code: it is a snapshot of
            its time.
        model: the model.
        models: all models of the code, by id.
    """
    own = head.builds[model.unique_id]
    lineage = [model.unique_id, *sorted(model.ancestors)]
    for id in lineage:
        build = head.builds.get(id)
        if build is None or id not in models:
            continue  # read from another environment (dbt's --defer), or held in the model (ephemeral)
        if head.environment and build.checksum != models[id].checksum:
            what = "" if id == model.unique_id else f" {models[id].name}, which it reads, is older than its code:"
            raise CannotCompare(
                f"{model.name} of {head.name} is older than the code:{what} {models[id].file.rpartition('/')[2]} or a macro"
                " it calls was changed after the build.",
                _rebuild(head),
            )
        if id != model.unique_id and not model.is_view and build.started_at > own.started_at:
            raise CannotCompare(
                f"{model.name} of {head.name} is older than {models[id].name}, which it reads and which was built again since.",
                _rebuild(head),
            )


def require_same_window(base: Dataset, head: Dataset, model: Model) -> None:
    """Raises CannotCompare if base and head hold different days of a model."""
    for id in sorted(model.windowed):
        builds = base.builds.get(id), head.builds.get(id)
        if None in builds or builds[0].recent_days == builds[1].recent_days:
            continue
        days_held = [f"the last {build.recent_days} days" if build.recent_days else "all days" for build in builds]
        days = builds[0].recent_days
        how = f"""--vars 'recent_days: {days}'"""
        raise CannotCompare(
            f"{model.name} holds {days_held[1]} in {head.name} and {days_held[0]} in {base.name} (dataops.recent_rows).",
            f"Build {head.name} like {base.name}: {head.how_to_build(how)}" if head.environment else "",
        )


def _rebuild(dataset: Dataset) -> str:
    return f"Type: {dataset.how_to_build()}" if dataset.environment else "Name a file that was built completely."


def judge(model: Model, comparison: Comparison) -> str:
    """`same`, `allowed` where the model's meta allows what differs, or `different`."""
    if not comparison.columns_differ and not comparison.rows_differ:
        return "same"
    thresholds = model.thresholds
    if comparison.matched_by == "key":
        found = (comparison.rows_added, comparison.rows_removed, comparison.rows_changed)
        allowed = (thresholds.rows_added, thresholds.rows_removed, thresholds.rows_changed)
    else:  # without a key a changed row is one removed and one added
        found = (comparison.rows_added, comparison.rows_removed)
        allowed = (thresholds.rows_added, thresholds.rows_removed)
    within = all(one.allows(rows, comparison.rows_base) for one, rows in zip(allowed, found, strict=True))
    return "allowed" if within and not comparison.columns_differ else "different"
