"""The publisher's look on pages: a style sheet, a logo, a foot, and static files of their own."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digestmail.messages.colors import contrast
from digestmail.settings import Settings
from digestmail.web.pages import STATIC
from digestmail.web.theme import theme_sheet
from tests.web.conftest import Web

Palette = dict[str, str]
colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def palettes(sheet: str) -> tuple[Palette, Palette]:
    """The colours in light and in dark."""
    light, _, dark = sheet.partition("@media (prefers-color-scheme: dark)")
    return tuple(dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part)) for part in (light, dark))  # type: ignore[return-value]


@cache
def ours() -> tuple[Palette, Palette]:
    return palettes("".join((STATIC / "pages.css").read_text().partition("*, ::before")[0]))


def check(light: Palette, dark: Palette) -> None:
    """Whatever is read on something else can be."""
    for palette in (light, dark):
        for text in ("ink", "soft", "accent", "accent-strong"):
            for ground in ("paper", "sheet", "wash"):
                assert contrast(palette[text], palette[ground]) >= 4.5, (text, ground, palette)
        for ground in ("accent", "accent-strong"):
            assert contrast(palette["on-accent"], palette[ground]) >= 4.5, (ground, palette)
        for ground in ("paper", "sheet", "bad-wash"):
            assert contrast(palette["bad"], palette[ground]) >= 4.5


def test_our_own_colors_can_be_read() -> None:
    check(*ours())


@settings(deadline=None, max_examples=50)
@given(colors)
def test_any_accent_can_be_read_in_light_and_dark(accent: str) -> None:
    light, dark = palettes(theme_sheet(Settings(accent_color=accent)))
    check(ours()[0] | light, ours()[1] | dark)


def test_with_nothing_set_there_is_no_sheet(web: Web) -> None:
    assert "theme.css" not in web.client.get("/").text
    assert web.client.get("/theme.css").status_code == 404


def test_the_sheet_is_served_at_an_address_that_changes_with_it(make_web: Callable[..., Web]) -> None:
    addresses = []
    for accent in ("#0b5c6b", "#6b0b5c"):
        web = make_web(ACCENT_COLOR=accent, FONTS="Charter, serif")
        [address] = re.findall(r'href="(/theme\.css\?v=[0-9a-f]{10})"', web.client.get("/").text)
        answer = web.client.get(address)
        assert answer.headers["content-type"].startswith("text/css")
        assert "immutable" in answer.headers["cache-control"]
        assert f"--accent: {accent};" in answer.text
        assert "--serif: Charter, serif;" in answer.text
        addresses.append(address)
    assert len(set(addresses)) == 2


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_the_logo_stands_for_the_name_and_its_server_alone_is_allowed(make_web: Callable[..., Web], path: str) -> None:
    web = make_web(LOGO_URL="https://cdn.courier.example/logo.png", LOGO_SIZE="240x60", SITE_NAME="The <Courier>")
    answer = web.client.get(path)
    logo = 'src="https://cdn.courier.example/logo.png" width="240" height="60" alt="The &lt;Courier&gt;"'
    assert logo in answer.text
    assert "img-src 'self' https://cdn.courier.example;" in answer.headers["content-security-policy"]


def test_the_foot_text_stands_on_every_page(make_web: Callable[..., Web]) -> None:
    page = make_web(FOOT_TEXT="Founded <in> 1907.\n\nOwned by its readers.").client.get("/").text
    assert "<p>Founded &lt;in&gt; 1907.</p><p>Owned by its readers.</p>" in page


def test_static_files_of_the_publishers_own_go_first(make_web: Callable[..., Web], tmp_path: Path) -> None:
    own = tmp_path / "templates" / "web" / "static"
    own.mkdir(parents=True)
    (own / "pages.css").write_text("h1 { color: red }")
    (own / "logo.png").write_bytes(b"PNG")
    web = make_web(TEMPLATES=str(tmp_path / "templates"))
    [address] = re.findall(r'href="(/static/pages\.css[^"]+)"', web.client.get("/").text)
    assert web.client.get(address).text == "h1 { color: red }"
    logo = web.client.get("/static/logo.png")
    assert (logo.content, logo.headers["cache-control"]) == (b"PNG", "public, max-age=3600")
    assert web.client.get("/static/icon.svg").status_code == 200
