"""Every page in each of its forms, as a browser shows it: accessible, within its width, small, and ours alone.

WCAG 2.2 AA as far as a program can tell: colours, names, roles and targets by axe-core, and the width of 320 px to
which a zoom of 400 % comes (1.4.10).
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Response, Route

from digestmail.language import Language, english, languages
from digestmail.web.rehearsal import sample_pages
from digestmail.web.spoken import Spoken
from tests.web.conftest import Web

pytestmark = [pytest.mark.browser, pytest.mark.long]

LOOKS = [("en", "light", 1280), ("en", "dark", 375), ("es", "light", 320), ("ar", "dark", 640)]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
STAY = "HTMLFormElement.prototype.submit = HTMLFormElement.prototype.requestSubmit = () => {}"
"""No script sends a form, as that of the one more step does after a while."""
MOST_OCTETS = 100_000
MOST_REQUESTS = 10


def rendered(web: Web, language: Language) -> list[tuple[str, str]]:
    """(template and number, HTML) of each page."""
    return [
        (f"{number}: {template}", bytes(web.site.pages.show(template, Spoken(language), **values).body).decode())
        for number, (template, values) in enumerate(sample_pages())
    ]


@pytest.fixture(params=LOOKS, ids=["-".join(map(str, look)) for look in LOOKS])
def shown(
    request: pytest.FixtureRequest, browser: Browser, address: str, web: Web
) -> Iterator[Iterator[tuple[str, Page]]]:
    """Every page in one language, colour scheme and width (pixels), one after the other in one window."""
    code, scheme, width = request.param
    context = browser.new_context(
        base_url=address, color_scheme=scheme, viewport={"width": width, "height": 800}, reduced_motion="reduce"
    )
    context.add_init_script(STAY)
    page = context.new_page()

    def pages() -> Iterator[tuple[str, Page]]:
        for name, html in rendered(web, languages()[code]):
            serve(page, html)
            page.goto("/the-page")
            yield name, page

    yield pages()
    context.close()


def serve(page: Page, html: str) -> None:
    """Have `/the-page` answer this; all else is the site's."""
    page.unroute_all()
    page.route("**/the-page", lambda route: answer(route, html))


def answer(route: Route, html: str) -> None:
    route.fulfill(body=html, content_type="text/html; charset=utf-8")


def test_axe_finds_nothing_and_nothing_is_wider_than_the_window(shown: Iterator[tuple[str, Page]]) -> None:
    wrong: dict[str, object] = {}
    for name, page in shown:
        found = Axe().run(page, options=RULES).response["violations"]
        if found:
            wrong[name] = [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wrong[f"{name}: too wide"] = page.evaluate("document.documentElement.scrollWidth")
    assert wrong == {}


def test_a_page_is_small_and_asks_nobody_else(browser: Browser, address: str, web: Web) -> None:
    context = browser.new_context(base_url=address)
    context.add_init_script(STAY)
    for name, html in rendered(web, english()):
        if name.endswith("web/mail.html"):
            continue  # it frames a mail, which is not there: the browser shows an error of its own, 250 KB large
        page = context.new_page()
        serve(page, html)
        answers: list[Response] = []
        page.on("response", lambda answer, kept=answers: kept.append(answer))
        page.goto("/the-page", wait_until="networkidle")
        assert {urlsplit(each.url).netloc for each in answers} == {urlsplit(address).netloc}, name
        assert sum(len(each.body()) for each in answers) <= MOST_OCTETS, name
        assert len(answers) <= MOST_REQUESTS, name
        page.close()
    context.close()
