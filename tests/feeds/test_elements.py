import pytest

from digestmail.feeds.elements import read_elements


def titles(document: str, *, most_entries: int = 10) -> list[str]:
    return [entry.get("title") for entry in read_elements(document, most_entries=most_entries).entries]


@pytest.mark.parametrize("end", ["</rss>", "", "</b></rss>"])
@pytest.mark.parametrize(
    "odd",
    [
        "<georss:point>1 x</georss:point>",
        "<gml:pos>1</gml:pos>",
        "<psc:chapter/>",
        "<creativeCommons:license/>",
        "<width>1<b/></width>",
        "<title/><title/>",
        "<media:rating>",
    ],
)
def test_an_odd_element_costs_no_other(odd: str, end: str) -> None:
    names = "georss='http://www.georss.org/georss' xmlns:gml='http://www.opengis.net/gml' xmlns:media='urn:m'"
    more = "xmlns:psc='http://podlove.org/simple-chapters' xmlns:creativeCommons='http://web.resource.org/cc/'"
    document = f"<rss xmlns:{names} {more}><item><title>a</title>{odd}</item><item><title>b</title></item>{end}"
    assert titles(document) == ["a", "b"]


@pytest.mark.parametrize("end", ["</rss>", ""])
def test_no_more_entries_are_read_than_are_wanted(end: str) -> None:
    document = "<rss>" + "".join(f"<item><title>{number}</title></item>" for number in range(5)) + end
    assert titles(document, most_entries=3) == ["0", "1", "2"]


@pytest.mark.parametrize(
    "absurd",
    [
        "<a>" * 210_000,
        "<a " + " ".join(f"a{number}='x'" for number in range(50_000)) + "/>",
        "<a xml:base='" + "a/" * 20_000 + "'>" + "<b xml:base='c/'/>" * 20_000,
        "<item><author>" + "x" * 500_000 + "</author></item>",
        "<item>" + "".join(f"<category>{number}</category>" for number in range(10_000)) + "</item>",
        "<" + "a" * 500_000,
    ],
)
def test_what_takes_quadratic_time_is_cut_short(absurd: str) -> None:
    """Each of these took minutes or gigabytes."""
    assert titles("<rss><item><title>a</title></item>" + absurd)[0] == "a"


def test_a_namespace_with_spaces_in_its_name_does_no_harm() -> None:
    assert titles("<rss xmlns:x='a b c d'><item><x:y/><title>a</title></item></rss>") == ["a"]


def test_a_declaration_says_nothing_about_the_encoding_any_more() -> None:
    document = "<?xml version='1.0' encoding='ms-ee'?><rss><item><title>é</title></item></rss>"
    assert titles(document) == ["é"]


def test_external_entities_are_not_opened(tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("x") / "secret"
    secret.write_text("secret words")
    for declaration in (f'x SYSTEM "{secret.as_uri()}"', f'% x SYSTEM "{secret.as_uri()}"> %x; <!ENTITY y "z"'):
        document = f"<!DOCTYPE rss [\n<!ENTITY {declaration}>\n]><rss><item><title>a&x;</title></item></rss>"
        assert "secret words" not in str(read_elements(document, most_entries=1))
