"""The commands for feeds: from a site's address to topics, and back out."""

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from digestmail.cli.feed_add import read_choice
from digestmail.errors import DigestmailError, InputError
from tests.cli.conftest import Run
from tests.feeds.documents import item, rss
from tests.feeds.server import Page, Server, serving
from tests.services import free_port

Ask = Callable[..., str]


@pytest.fixture
def site() -> Iterator[Server]:
    """A site whose page names two feeds."""
    at = datetime.now(UTC) - timedelta(hours=1)
    with serving() as server:
        names = "".join(
            f"<link rel=alternate type=application/rss+xml href={path}>" for path in ("/comments/feed", "/all")
        )
        server.pages["/"] = Page(f"<html>{names}".encode(), headers={"Content-Type": "text/html"})
        server.pages["/all"] = Page(
            rss(
                item("a", at=at, categories=["World news", "Sea"]),
                item("b", at=at, categories=["World  News"]),
                item("c", at=at, categories=["Новости"]),
                ttl=180,
            )
        )
        server.pages["/plain"] = Page(rss(item("d", at=at), title="Plain [b]news[/b]"))
        server.pages["/none"] = Page(b"<html>", headers={"Content-Type": "text/html"})
        yield server


@pytest.fixture
def ask(environment: dict[str, str]) -> Ask:
    """Runs a command at a terminal and types there; what the terminal shows."""

    def ask(*arguments: str, typed: str) -> str:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "digestmail", *arguments]
        variables = os.environ | environment | {"COLUMNS": "200", "TERM": "dumb"}
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=variables) as process:
            os.close(theirs)
            os.write(ours, typed.encode())
            shown = b""
            try:
                while part := os.read(ours, 4096):
                    shown += part
            except OSError:  # which is how a terminal ends
                pass
            finally:
                os.close(ours)
            assert process.wait(30) == 0, shown.decode()
        return shown.decode()

    return ask


def refusal(result: Result) -> str:
    """The sentence with which a command ended."""
    assert isinstance(result.exception, DigestmailError), result.output
    return str(result.exception)


def feeds(run: Run) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(run("feed", "list", "--json").stdout)
    return listed


def topics(run: Run) -> dict[str, tuple[str, int]]:
    """Names and numbers of items."""
    return {line["slug"]: (line["name"], line["items"]) for line in json.loads(run("topic", "list", "--json").stdout)}


def test_a_site_s_feed_is_added_and_its_categories_are_offered(run: Run, site: Server) -> None:
    shown = run("feed", "add", site.url("/")).stdout
    assert "The Harbour" in shown
    assert [line.split("│")[1:5] for line in shown.splitlines() if line.startswith("│")] == [
        [" 1 ", " World news ", " 2     ", " world-news "],
        [" 2 ", " Sea        ", " 1     ", " sea        "],
        [" 3 ", " Новости    ", " 1     ", " topic      "],
    ]
    assert f"  digestmail feed add {site.url('/all')} --category 'World news=world-news' --make-topics" in shown
    assert f"This site has other feeds too: {site.url('/comments/feed')}" in shown
    [feed] = feeds(run)
    assert (feed["url"], feed["title"], feed["routes"], feed["state"]) == (
        site.url("/all"),
        "The Harbour",
        [],
        "active",
    )


def test_items_that_were_collected_before_come_to_topics_that_are_added_later(run: Run, site: Server) -> None:
    run("feed", "add", site.url("/"))
    assert json.loads(run("collect", "--json").stdout)["new_items"] == 3
    added = run("feed", "add", site.url("/"), "--category", "world  NEWS=world", "--topic", "all", "--make-topics")
    assert f"Added the feed {site.url('/all')}. Its items go to: all, world NEWS=world." in added.stdout
    assert added.stderr == ""
    run("collect")
    assert topics(run) == {"all": ("All", 3), "world": ("world NEWS", 2)}
    assert len(feeds(run)) == 1


def test_a_feed_that_moved_is_known_by_the_address_it_was_added_with(run: Run, site: Server) -> None:
    run("feed", "add", site.url("/plain"))
    site.pages["/new"] = site.pages["/plain"]
    site.redirect("/plain", "/new", status=301)
    run("feed", "add", site.url("/plain"), "--topic", "all", "--make-topics")
    assert [(feed["url"], feed["routes"]) for feed in feeds(run)] == [(site.url("/plain"), ["all"])]
    run("collect")
    assert [feed["url"] for feed in feeds(run)] == [site.url("/new")]


def test_the_offer_is_data_too(run: Run, site: Server) -> None:
    assert json.loads(run("feed", "add", site.url("/"), "--json").stdout) == {
        "url": site.url("/all"),
        "title": "The Harbour",
        "site_url": "",
        "categories": [
            {"name": "World news", "items": 2, "slug": "world-news"},
            {"name": "Sea", "items": 1, "slug": "sea"},
            {"name": "Новости", "items": 1, "slug": "topic"},
        ],
        "other_feeds": [site.url("/comments/feed")],
        "routes": [],
    }


def test_of_very_many_categories_the_largest_are_shown(run: Run, site: Server) -> None:
    site.pages["/tags"] = Page(rss(*(item(f"{n}", categories=[f"Tag {n}", "All"]) for n in range(60))))
    shown = run("feed", "add", site.url("/tags")).stdout
    assert shown.count("│ tag-") == 49
    assert "… and 11 more; --json lists them all." in shown


def test_every_category_can_become_a_topic(run: Run, site: Server) -> None:
    run("topic", "add", "water", "--name", "sea")
    run("feed", "add", site.url("/"), "--all-categories")
    assert feeds(run)[0]["routes"] == ["World news=world-news", "Sea=water", "Новости=topic"]
    run("collect")
    assert topics(run) == {"water": ("sea", 1), "world-news": ("World news", 2), "topic": ("Новости", 1)}
    assert "names no categories" in refusal(run("feed", "add", site.url("/plain"), "--all-categories"))


@pytest.mark.parametrize(
    ("typed", "routes"),
    [("9\n1,3\n", ["World news=world-news", "Новости=topic"]), ("\n", ["the-harbour"])],
)
def test_at_a_terminal_it_asks_which_become_topics(
    run: Run, ask: Ask, site: Server, typed: str, routes: list[str]
) -> None:
    shown = ask("feed", "add", site.url("/"), typed=typed)
    assert "Which become topics?" in shown
    assert ("“9” is no number from 1 to 3" in shown) == typed.startswith("9")
    assert feeds(run)[0]["routes"] == routes


def test_at_a_terminal_a_feed_without_categories_can_be_one_topic(run: Run, ask: Ask, site: Server) -> None:
    assert "Make a topic “Plain [b]news[/b]” of all its items?" in ask("feed", "add", site.url("/plain"), typed="y\n")
    assert feeds(run)[0]["routes"] == ["plain-b-news-b"]


def test_a_choice_is_read_as_people_type_it() -> None:
    assert read_choice(" ALL ", of=3) == [0, 1, 2]
    assert read_choice("3, 1-2;1", of=3) == [2, 0, 1]
    assert read_choice("1 - 3", of=3) == [0, 1, 2]
    for text in ("0", "4", "2-1", "x", "1-4", "1,,x", "-"):
        with pytest.raises(InputError, match="no number from 1 to 3"):
            read_choice(text, of=3)


def test_a_feed_that_is_away_is_added_where_its_routes_are_known(run: Run) -> None:
    run("topic", "add", "sea", "--name", "Sea")
    url = f"http://127.0.0.1:{free_port()}/feed"
    assert "could not be reached" in refusal(run("feed", "add", url))
    assert "could not be reached" in refusal(run("feed", "add", url, "--topic", "sea", "--all-categories"))
    assert feeds(run) == []
    added = run("feed", "add", url, "--topic", "sea", "--json")
    assert "could not be reached: Connection refused. The feed is added nevertheless" in added.stderr
    assert json.loads(added.stdout)["routes"] == ["sea"]
    assert [(feed["url"], feed["title"]) for feed in feeds(run)] == [(url, "")]


def test_what_has_no_feed_is_not_added_even_with_routes(run: Run, site: Server) -> None:
    run("topic", "add", "sea", "--name", "Sea")
    site.pages["/gone"] = Page(status=410)
    for path, words in (("/none", "No feed was found"), ("/gone", "gone for good")):
        assert words in refusal(run("feed", "add", site.url(path), "--topic", "sea"))
    assert feeds(run) == []


def test_a_category_that_the_feed_does_not_have_is_mentioned(run: Run, site: Server) -> None:
    run("topic", "add", "sea", "--name", "Sea")
    warning = run("feed", "add", site.url("/"), "--category", "Seaa=sea").stderr
    assert "nothing in the feed has the category “Seaa”; it has: World news, Sea, Новости." in warning
    assert "it names none at all" in run("feed", "add", site.url("/plain"), "--category", "Sea=sea").stderr


def test_what_is_typed_wrongly_is_said_before_the_network_is_asked(run: Run, site: Server) -> None:
    for arguments, words in (
        (["--topic", "sea"], "no topic “sea”"),
        (["--category", "Sea"], "NAME=SLUG"),
        (["--category", "Sea=sea"], "no topic “sea”"),
    ):
        assert words in refusal(run("feed", "add", site.url("/"), *arguments))
    assert site.requests == []


def test_a_check_needs_and_makes_no_database(run: Run, site: Server, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "data")
    shown = run("feed", "check", site.url("/")).stdout
    assert "The Harbour" in shown
    assert "https://harbour.example/a" in shown
    assert "3 items of news" in shown
    assert "- It asks to be polled every 3 hours." in shown
    assert "other feeds too" in shown
    checked = json.loads(run("feed", "check", site.url("/"), "--json").stdout)
    assert (checked["url"], checked["title"], checked["ttl_seconds"]) == (site.url("/all"), "The Harbour", 10800)
    first = checked["entries"][0]
    assert (first["id"], first["identity"], first["news"]) == ("a", "a", True)
    assert datetime.fromisoformat(first["published_at"]).tzinfo is not None
    assert first["categories"] == ["World news", "Sea"]
    assert not (tmp_path / "data").exists()


def test_the_list_says_how_feeds_fare_on_narrow_terminals(run: Run, site: Server) -> None:
    run("feed", "add", site.url("/"), "--all-categories")
    run("feed", "add", site.url("/plain"))
    run("collect")
    run("feed", "pause", "/plain")
    away = f"http://127.0.0.1:{free_port()}/feed"
    run("feed", "add", away, "--topic", "sea")
    run("collect")
    shown = run("feed", "list").stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "active, 3 items" in shown
    assert "→ no topic" in shown
    assert "paused, 1 item" in shown
    assert "(1 failed poll" in shown
    assert [feed["next_poll_at"] is None for feed in feeds(run)] == [False, True, False]


def test_a_feed_is_paused_resumed_and_removed_by_a_part_of_its_address(run: Run, site: Server) -> None:
    run("feed", "add", site.url("/"), "--topic", "all", "--make-topics")
    run("collect")
    assert "Paused" in run("feed", "pause", "/all").stdout
    assert feeds(run)[0]["state"] == "paused"
    assert "It is paused." in run("feed", "add", site.url("/"), "--topic", "more", "--make-topics").stdout
    assert "Resumed" in run("feed", "resume", "/all").stdout
    assert "Ended 1 route" in run("feed", "unroute", "/all", "--topic", "all").stdout
    assert feeds(run)[0]["routes"] == ["more"]
    assert "no topic." in run("feed", "unroute", "/all").stdout
    assert "--yes" in refusal(run("feed", "remove", "/all"))
    assert "with 3 items." in run("feed", "remove", "/all", "--yes").stdout
    assert feeds(run) == []
    assert topics(run)["all"] == ("All", 0)


def test_a_removal_is_asked_about_at_a_terminal(run: Run, ask: Ask, site: Server) -> None:
    run("feed", "add", site.url("/"))
    assert "and its items?" in ask("feed", "remove", "/all", typed="y\n")
    assert feeds(run) == []


def test_a_flood_waits_until_it_is_let_through_or_marked_as_seen(run: Run, site: Server) -> None:
    def bring(kind: str, count: int) -> None:
        entries = (item(f"{kind}-{n}", at=datetime.now(UTC) - timedelta(minutes=n)) for n in range(count))
        site.pages["/sea"] = Page(rss(*entries))
        run("collect")

    run("feed", "add", site.url("/sea"), "--topic", "sea", "--make-topics")
    for kind, count, waits in (("usual", 3, 0), ("flood", 60, 60), ("more", 70, 130)):
        bring(kind, count)
        assert feeds(run)[0]["waiting"] == waits
    assert "Brought 130 items at once" in feeds(run)[0]["explanation"]
    assert "130 items" in run("feed", "let-through", "/sea").stdout
    bring("again", 300)
    assert "300 items" in run("feed", "mark-seen", "/sea").stdout
    assert "is held back" in refusal(run("feed", "mark-seen", "/sea"))


def test_feeds_go_out_to_a_file_and_come_in_from_it(run: Run, site: Server, tmp_path: Path) -> None:
    run("feed", "add", site.url("/"), "--all-categories")
    file = tmp_path / "feeds.opml"
    assert "Wrote 1 feed to" in run("feed", "export", str(file)).stdout
    assert run("feed", "export").stdout == file.read_text()
    before = feeds(run)[0]["routes"]
    run("feed", "remove", "/all", "--yes")
    assert "Added 1 feed." in run("feed", "import", str(file)).stdout
    assert feeds(run)[0]["routes"] == before
    assert feeds(run)[0]["title"] == "The Harbour"


def test_an_import_reports_what_it_left_out(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "feeds.opml"
    file.write_text(
        '<opml><body><outline text="The Sea"><outline xmlUrl="https://a.example/"/><outline xmlUrl="x:y"/></outline>'
        '<outline xmlUrl="https://b.example/"/></body></opml>'
    )
    result = run("feed", "import", str(file))
    assert result.exit_code == 1
    assert "Added 2 feeds. There already: 0. Left out: 1." in result.stdout
    assert "Made 1 topic: the-sea." in result.stdout
    assert "1 feed stood in no folder" in result.stdout
    assert "x:y: “x:y” is not a web address" in result.stderr
    result = run("feed", "import", str(file), "--topic", "the-sea", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert (report["added"], report["known"], [bad["url"] for bad in report["bad"]]) == (0, 2, ["x:y"])
    assert [feed["routes"] for feed in feeds(run)] == [["the-sea"], ["the-sea"]]


def test_what_is_no_list_of_feeds_is_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "feeds.opml"
    file.write_text("")
    assert "empty" in refusal(run("feed", "import", str(file)))
    missing = run("feed", "import", str(tmp_path / "none"))
    assert missing.exit_code == 1
    assert "There is no file" in missing.stderr
