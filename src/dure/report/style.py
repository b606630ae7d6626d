"""How plots look, and how they become SVG that stands inside a page: text stays text, colours follow the page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from markupsafe import Markup, escape

__all__ = ["COLOURS", "panel", "svg"]

COLOURS = {
    "ink": "#1c2127",
    "soft": "#5f6b77",
    "grid": "#e4e8ec",
    "winner": "#0a5fa8",
    "baseline": "#c4560a",
    "other": "#8d98a3",
    "limit": "#b4231c",
}
"""What a plot may be painted with; the page has a CSS variable of each name, and may change it in the dark."""

_RC: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that the layout is the same everywhere
    "font.size": 12,
    "axes.labelcolor": COLOURS["soft"],
    "axes.edgecolor": COLOURS["other"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-5, 6),
    "axes.xmargin": 0.02,
    "axes.ymargin": 0.06,
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.8,
    "xtick.color": COLOURS["other"],
    "xtick.labelcolor": COLOURS["soft"],
    "ytick.color": COLOURS["grid"],
    "ytick.labelcolor": COLOURS["soft"],
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "xtick.minor.size": 0,
    "text.color": COLOURS["ink"],
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "path.simplify": False,
}


@contextmanager
def panel(width: int, height: int, name: str) -> Iterator[Any]:
    """Axes ``width`` by ``height`` pixels large, in the page's style; ``name`` is the figure's own within the page.

    Margins are fixed: nothing depends on how wide the letters of a language are.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    settings: Any = _RC | {"svg.hashsalt": name}
    with rc_context(settings), warnings.catch_warnings():
        # The reader's fonts have the letters; the font that only measures them need not.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        figure = Figure(figsize=(width / 72, height / 72))
        figure.subplots_adjust(left=46 / width, right=1 - 8 / width, top=1 - 16 / height, bottom=42 / height)
        yield figure.add_subplot()


def svg(axes: Any, name: str, title: str) -> Markup:
    """The axes as an ``<svg>`` element without a size of its own; ``title`` says in words what is seen."""
    out = io.StringIO()
    axes.figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", out.getvalue(), flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", _compact, text[text.index("<svg") :])
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)
    for colour, code in COLOURS.items():
        text = text.replace(code, f"var(--{colour})")
    text = re.sub(r">\s+<", "><", text)
    start = text.index(">")
    box = re.search(r'viewBox="[^"]+"', text[:start])
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    head = f'<svg {spaces} {box[0] if box else ""} role="img"><title>{escape(title)}</title>'
    return Markup(head + text[start + 1 :].strip())


def _compact(tag: re.Match[str]) -> str:
    """One tag: hundredths of a pixel are enough and are the same on every processor; fonts are the page's."""
    text = re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}".rstrip("0").rstrip("."), tag[0])
    return re.sub(r"\s+", " ", re.sub(r"font(-family)?: [^;\"]*'[^;\"]*;? ?", "", text))
