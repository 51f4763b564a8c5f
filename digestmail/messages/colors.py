"""Colours (pure): how well one can be read on another, and the nearest shade that can be.

A colour is `#rrggbb`. The contrast is that of WCAG 2.2, 1.4.3, which asks for 4.5 : 1.
"""

READABLE = 4.5
_STEPS = 64
_SHARES = (0.2126, 0.7152, 0.0722)  # of red, green and blue in what the eye takes for brightness


def contrast(color: str, background: str) -> float:
    """From 1, alike, to 21, black on white."""
    darker, lighter = sorted((_luminance(color), _luminance(background)))
    return (lighter + 0.05) / (darker + 0.05)


def mix(color: str, other: str, share: float) -> str:
    """The colour with that share (0 to 1) of another."""
    pairs = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round(one + (another - one) * share):02x}" for one, another in pairs)


def readable(color: str, *, on: str, towards: str) -> str:
    """The colour, or the first of the shades from it `towards` another one that can be read on a background."""
    shades = (mix(color, towards, step / _STEPS) for step in range(_STEPS))
    return next((shade for shade in shades if contrast(shade, on) >= READABLE), towards)


def _luminance(color: str) -> float:
    linear = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (value / 255 for value in _channels(color))
    )
    return sum(share * value for share, value in zip(_SHARES, linear, strict=True))


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
