"""Members of classes in a fitted method: kept where it needs them, asked of every table that it scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gzsl.errors import MethodError
from gzsl.semantics import Members, Semantics

NEEDED = ("members", "templates")


def store_members(method: Any, semantics: Semantics) -> None:
    """Keep the members of the classes that were known at fit, as attributes that are saved with the method."""
    members = semantics.members
    if members is None or not {*NEEDED, "joint"} & set(method.card.needs):  # heads look at members where there are any
        return
    method.member_vectors_, method.member_sizes_ = members.vectors, members.sizes
    method.member_rule_ = members.rule
    method.member_templates_ = members.templates or ()


def stored_members(method: Any) -> Members | None:
    """What `store_members` kept; None where the method needs none."""
    if not hasattr(method, "member_vectors_"):
        return None
    return Members(
        method.member_vectors_, method.member_sizes_, method.member_rule_, tuple(method.member_templates_) or None
    )


def refuse_without_members(semantics: Semantics, needs: Iterable[str], who: str) -> None:
    """Raise a `MethodError` for a table to be scored that has one vector a class where several are needed."""
    wanted = [need for need in NEEDED if need in needs]
    if wanted and semantics.members is None:
        raise MethodError(f"{who}: semantics {semantics.name!r} has one vector a class, expected its members besides")
    if "templates" in wanted and semantics.members is not None and semantics.members.templates is None:
        raise MethodError(f"{who}: the members of semantics {semantics.name!r} are not those of one list of templates")
