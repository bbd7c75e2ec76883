"""Something that a project lacks, with the lines to add."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True)
class Missing:
    """Something that a project lacks.

    Attributes:
        problem: what, and what it is for.
        where: what to do with the lines.
        lines: to add, or to type.
    """

    problem: str
    where: str
    lines: str

    def __str__(self) -> str:
        return f"{self.problem}\n{self.where}\n\n{textwrap.indent(self.lines.rstrip(), '    ')}\n"


class _Dumper(yaml.SafeDumper):
    """Writes Jinja in double quotes, and lists indented, as people write them in profiles.yml."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if "{{" in text else None)


_Dumper.add_representer(str, _text)


def as_yaml(values: dict[str, Any]) -> str:
    """YAML as people write it in profiles.yml and dbt_project.yml.

    >>> print(as_yaml({"dev": {"path": "{{ env_var('X') }}", "attach": [{"path": "a"}]}}))
    dev:
      path: "{{ env_var('X') }}"
      attach:
        - path: a
    <BLANKLINE>
    """
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, width=1_000_000, allow_unicode=True)
