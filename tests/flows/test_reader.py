"""The first journey: sign up, confirm, read the welcome digest, leave with one click, and hear no more."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.flows.site import Site, link, part, running
from tests.services import chromium

ANN = "ann@example.org"
MAJA = "maja@example.org"
PILAR = "pilar@example.org"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A first start with nothing configured, and so with the demo publication."""
    with running(tmp_path_factory.mktemp("site")) as site:
        yield site


def without_view(text: str) -> str:
    """The text of a mail without the token of its own page in the browser, to which the plain form may not link."""
    return re.sub(r"(?<=/d/)[\w-]{23}", "", text)


def test_from_the_form_to_the_last_mail(site: Site) -> None:
    form = httpx2.get(site.url + "/").text
    assert "International Relations" in form
    choices = {"email": ANN, "topics": ["international-relations"], "hour": "7", "time_zone": "Europe/Berlin"}
    assert httpx2.post(f"{site.url}/sign-up", data=choices).status_code == 200

    [confirmation] = site.mails(ANN, count=1)
    page = link(confirmation, "/c/")
    assert httpx2.get(page).status_code == 200
    assert site.standing(ANN) == "pending"
    assert httpx2.post(page).status_code == 200
    assert site.standing(ANN) == "active"

    _, welcome = site.mails(ANN, count=2)
    assert welcome["To"] == ANN
    assert welcome["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "International Relations" in part(welcome, "html")
    assert "INTERNATIONAL RELATIONS" in part(welcome, "plain")

    assert httpx2.post(f"{link(welcome, '/p/')}/again").status_code == 200
    copy = site.mails(ANN, count=3)[-1]
    assert copy["Subject"] == welcome["Subject"]
    assert copy["Message-ID"] != welcome["Message-ID"]
    assert without_view(part(copy, "plain")) == without_view(part(welcome, "plain"))
    assert without_view(part(copy, "html")) == without_view(part(welcome, "html"))

    one_click = welcome["List-Unsubscribe"].strip("<>")
    assert httpx2.get(one_click).status_code == 200
    assert site.standing(ANN) == "active"
    for _ in range(2):
        answer = httpx2.post(one_click, data={"List-Unsubscribe": "One-Click"}, follow_redirects=False)
        assert answer.status_code == 200
    assert site.standing(ANN) == "unsubscribed"

    for log in (site.folder / "data" / "logs").iterdir():
        told = log.read_text()
        assert ANN not in told, f"{log.name} has an address in full"
        assert one_click.rpartition("/")[2] not in told, f"{log.name} has the token of a link"
        assert not re.search(r"\+[0-9a-f]{26}@", told), f"{log.name} has the token of a bounce address"

    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert site.json("tick", "--now", tomorrow.isoformat())["sent"] == 0
    site.mails(ANN, count=3)


def test_who_signs_up_in_spanish_is_written_to_in_spanish(site: Site) -> None:
    form = httpx2.get(site.url + "/", headers={"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"})
    assert 'name="lang" value="es"' in form.text
    choices = {"email": PILAR, "topics": ["international-relations"], "hour": "7", "lang": "es"}
    assert "Mira tu correo" in httpx2.post(f"{site.url}/sign-up", data=choices).text

    [confirmation] = site.mails(PILAR, count=1)
    assert str(confirmation["Subject"]).startswith("Confirma tu resumen diario de ")
    assert "Ya estás dentro" in httpx2.post(link(confirmation, "/c/")).text

    _, welcome = site.mails(PILAR, count=2)
    assert "Este es tu primer resumen." in part(welcome, "html")
    assert "Darse de baja:" in part(welcome, "plain")
    assert "Tus preferencias" in httpx2.get(link(welcome, "/p/"), headers={"Accept-Language": "ar"}).text


@pytest.mark.long
@pytest.mark.browser
def test_with_a_browser(site: Site) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(timezone_id="Asia/Tokyo", viewport={"width": 375, "height": 812})
        page.goto(site.url)
        expect(page.locator("select[name=time_zone]")).to_have_value("Asia/Tokyo")
        page.get_by_label("International Relations").check()
        page.locator("input[name=email]").fill(MAJA)
        page.get_by_role("button", name="Sign up").click()
        expect(page.get_by_role("heading", level=1)).to_be_visible()

        [confirmation] = site.mails(MAJA, count=1)
        page.goto(link(confirmation, "/c/"))
        page.get_by_role("button").click()
        _, welcome = site.mails(MAJA, count=2)
        assert site.json("subscriber", "show", MAJA)["time_zone"] == "Asia/Tokyo"

        page.goto(link(welcome, "/p/"))
        page.locator("select[name=hour]").select_option("18")
        page.get_by_role("button", name="Save").click()
        assert site.json("subscriber", "show", MAJA)["hour"] == 18

        page.goto(link(welcome, "/u/"))
        page.get_by_role("button").first.click()
        assert site.standing(MAJA) == "unsubscribed"
        page.get_by_role("button").first.click()
        assert site.standing(MAJA) == "active"
        browser.close()
