"""The result as one page that needs no network."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dataops.crosscheck import formatting
from dataops.crosscheck.results import Result


def as_page(result: Result) -> str:
    """The page, as HTML. Every value in it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    order = ["not compared", "different", "gone", "new", "allowed", "same"]
    counts = [(verdict, len(result.with_verdict(verdict))) for verdict in order]
    return environment.get_template("report.html.j2").render(
        result=result,
        formatting=formatting,
        counts=[(verdict, count) for verdict, count in counts if count],
        remedies=list(dict.fromkeys(model.remedy for model in result.models if model.remedy)),
        models=sorted(result.models, key=lambda model: order.index(model.verdict)),
    )
