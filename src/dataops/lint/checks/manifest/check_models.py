"""Rules of dbt-bouncer.yml that dbt-bouncer does not have itself: which models hold their rows."""

from dbt_bouncer.check_framework.decorator import check, fail


@check
def check_model_of_source_holds_its_rows(model):
    """A model that reads a source must be a table or incremental."""
    if _is_read_through(model) and _reads_source(model):
        _fail(model, "reads a source, so prod would change whenever the source does")


@check
def check_base_model_holds_its_rows(model):
    """A base model must be a table or incremental, even if it reads other models only."""
    if _is_read_through(model) and model.name.startswith("base_") and not _reads_source(model):
        _fail(model, "is a base model, whose rows are judged once, not again by each reader")


def _is_read_through(model) -> bool:
    return model.config.materialized not in ("table", "incremental")


def _reads_source(model) -> bool:
    return any(node.startswith("source.") for node in model.depends_on.nodes or [])


def _fail(model, why: str) -> None:
    cure = (
        "In its config(...), write: materialized='table'"
        if "materialized=" in (model.raw_code or "")
        else "Add this line at its top: {{ config(materialized='table') }}"
    )
    fail(f"`{model.name}` is materialized as {model.config.materialized}, but {why}. {cure}")
