"""Present: a blueprint's diagram in Mermaid; nothing that others wrote can break out of it."""

import re
from collections.abc import Iterator

from mission_control.model.blueprint import Blueprint, Component

MOST_DRAWN = 200
_PLAIN = re.compile(r"[A-Za-z0-9 ._/-]")


def label(text: str) -> str:
    """Write a text so that Mermaid, HTML and Markdown see no meaning in it, as entity codes."""
    flat = " ".join(text.split())
    return "".join(c if _PLAIN.fullmatch(c) else f"#{ord(c)};" for c in flat)


def dependency_diagram(blueprint: Blueprint) -> str:
    """
    Draw what depends on what, and which Service leads to which workload.

    What is listed is drawn first; where there is more than can be read, the rest is left out,
    and the diagram says so itself.
    """
    return "".join(f"{line}\n" for line in _lines(blueprint))


def _lines(blueprint: Blueprint) -> Iterator[str]:
    ordered = sorted(blueprint.components, key=lambda c: not c.listed)
    drawn = {_key(c): f"c{i}" for i, c in enumerate(ordered[:MOST_DRAWN])}
    yield "flowchart LR"
    by_name = dict[str, list[str]]()
    for component in ordered[:MOST_DRAWN]:
        node = drawn[_key(component)]
        by_name.setdefault(component.name, []).append(node)
        yield f'  {node}["{_describe(component)}"]{_look(component)}'
    services = sorted({(c.services, _key(c)) for c in ordered[:MOST_DRAWN]})
    nodes = dict[tuple[str, str], str]()
    for found, key in services:
        for service in found:
            if service not in nodes:
                nodes[service] = f"s{len(nodes)}"
                yield f'  {nodes[service]}(["{label("Service " + "/".join(service))}"])'
            yield f"  {nodes[service]} -.-> {drawn[key]}"
    edges = {(a, b) for c in ordered[:MOST_DRAWN] for a, b in _edges(c, drawn, by_name)}
    yield from (f"  {a} --> {b}" for a, b in sorted(edges))
    if len(ordered) > MOST_DRAWN:
        yield f'  more["{label(f"and {len(ordered) - MOST_DRAWN} more, not drawn")}"]'
    yield "  classDef unknown stroke-dasharray: 5 5"
    yield "  classDef unlisted stroke-width: 3px"


def _key(component: Component) -> tuple[str, str]:
    return component.name, component.workload or ""


def _edges(
    component: Component, drawn: dict[tuple[str, str], str], by_name: dict[str, list[str]]
) -> Iterator[tuple[str, str]]:
    for name in component.depends_on:
        for node in by_name.get(name, ()):
            yield drawn[_key(component)], node


def _describe(component: Component) -> str:
    what = label(component.kind or "not in the inventory")
    workload = label(component.workload or "workload unknown")
    return f"{label(component.name)}<br/>{what}<br/>{workload}"


def _look(component: Component) -> str:
    if component.unseen:
        return ":::unknown"
    return "" if component.listed else ":::unlisted"
