"""Writing SVG by hand: elements as text, well-formed and escaped; colours come from the page's style sheet."""

from __future__ import annotations

from html import escape


def tag(name: str, *children: str, **attributes: str | float | None) -> str:
    """One element. ``class_`` and ``text_anchor`` stand for ``class`` and ``text-anchor``; None leaves one out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(children)}</{name}>" if children else f"<{name}{written}/>"


def text(content: str, x: float, y: float, class_: str = "", anchor: str = "middle") -> str:
    """A line of text around a point."""
    return tag("text", escape(content), x=x, y=y, class_=class_ or None, text_anchor=anchor)


def group(*children: str, class_: str = "", title: str = "", href: str = "") -> str:
    """Elements that belong together, with words for who points at them, and a place in the page that they lead to."""
    named = (tag("title", escape(title)), *children) if title else children
    whole = tag("g", *named, class_=class_ or None)
    return tag("a", whole, href=href) if href else whole


def arrow(x1: float, x2: float, y: float, class_: str) -> str:
    """A horizontal arrow."""
    back = -7 if x2 > x1 else 7
    line = tag("line", x1=x1, y1=y, x2=x2 + back / 2, y2=y)
    head = tag("path", d=f"M{_value(x2)} {_value(y)}l{back} -4v8z", class_="head")
    # What a pointer can hit is wider than what is seen.
    reach = tag("line", x1=x1, y1=y, x2=x2, y2=y, class_="reach")
    return tag("g", line, head, reach, class_=class_)


def picture(width: float, height: float, label: str, description: str, *children: str, class_: str = "") -> str:
    """A whole drawing, named and described for who cannot see it."""
    view = f"0 0 {_value(width)} {_value(height)}"
    return tag(
        "svg", tag("title", escape(label)), tag("desc", escape(description)), *children,
        xmlns="http://www.w3.org/2000/svg", viewBox=view, width=width, height=height, role="img",
        class_=class_ or None,
    )  # fmt: skip


def _value(value: str | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return escape(str(value), quote=True)
