"""Versions of dbt models."""

from __future__ import annotations

from collections.abc import Mapping


def continued(id: str, alias: str, earlier: Mapping[str, str]) -> str | None:
    """The id of the model without versions that a version continues: its relation has the same name. None for any other model.

    dbt reports the model without versions as removed.

    Args:
        id: of a model: model.shop.sales.v1
        alias: the name of its relation.
        earlier: the names of the relations of earlier models, by id.

    >>> continued("model.shop.sales.v1", "sales", {"model.shop.sales": "sales"})
    'model.shop.sales'
    >>> continued("model.shop.sales.v2", "sales_v2", {"model.shop.sales": "sales"})
    >>> continued("model.shop.sales", "sales", {"model.shop.sales": "sales"})
    """
    unversioned = id.rpartition(".v")[0]
    return unversioned if unversioned and earlier.get(unversioned) == alias else None
