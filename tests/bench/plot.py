"""A plot of rates as an SVG of our own: horizontal bars, each with its name and number (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape


@dataclass(frozen=True, slots=True)
class Bar:
    """One rate, in messages a second."""

    name: str
    rate: float
    ours: bool


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours; the ground is painted, so that the plot can be read on any page."""

    ground: str
    ink: str
    soft: str
    ours: str
    other: str


LIGHT = Palette(ground="#ffffff", ink="#1f2328", soft="#59636e", ours="#0b6b5d", other="#a9b4bf")
DARK = Palette(ground="#0d1117", ink="#e6edf3", soft="#9198a1", ours="#3fb8a3", other="#4a545f")

_WIDTH, _NAMES, _NUMBERS, _EDGE = 720, 230, 80, 20
_STEP, _THICK, _HEAD = 38, 22, 56
_FONT = "font-family=\"system-ui, -apple-system, 'Segoe UI', sans-serif\""


def svg(bars: Sequence[Bar], *, caption: str, palette: Palette = LIGHT) -> str:
    """The whole document. The widest bar fills the room; all begin at nought."""
    most = max((bar.rate for bar in bars), default=1.0) or 1.0
    height = _HEAD + _STEP * len(bars) + _EDGE // 2
    room = _WIDTH - _NAMES - _NUMBERS - 2 * _EDGE
    spoken = "; ".join(f"{bar.name}: {bar.rate:,.0f}" for bar in bars)
    label = escape(f"Messages a second. {spoken}", _QUOTES)
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">',
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="{palette.ground}"/>',
        _text(_EDGE, 26, "Messages a second", palette.ink, size=15, more='font-weight="600"'),
        _text(_EDGE, 44, caption, palette.soft, size=12),
    ]
    left = _EDGE + _NAMES
    for number, bar in enumerate(bars):
        top = _HEAD + _STEP * number + (_STEP - _THICK) // 2
        middle = top + _THICK // 2 + 5
        wide = max(2.0, room * bar.rate / most)
        weight = 'font-weight="600"' if bar.ours else ""
        fill = palette.ours if bar.ours else palette.other
        lines += [
            _text(left - 10, middle, bar.name, palette.ink, size=14, more=f'text-anchor="end" {weight}'.strip()),
            f'<rect x="{left}" y="{top}" width="{wide:.1f}" height="{_THICK}" rx="3" fill="{fill}"/>',
            _text(round(left + wide) + 8, middle, f"{bar.rate:,.0f}", palette.ink, size=14, more=weight),
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


_QUOTES = {'"': "&quot;"}


def _text(x: int, y: int, words: str, fill: str, *, size: int, more: str = "") -> str:
    return (
        f'<text x="{x}" y="{y}" {_FONT} font-size="{size}" fill="{fill}" {more}'.rstrip() + f">{escape(words)}</text>"
    )
