"""Feeds of every format, as publishers write them."""

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

RSS = b"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/"
     xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel><title>The Harbour &amp;amp; Coast</title><link>/</link><ttl>180</ttl>
<item>
  <title>Tides &amp;amp; tolls: how to read &amp;lt;b&amp;gt;</title><link>/news/tides?utm_source=rss&amp;id=7</link>
  <guid isPermaLink="false">tides-7</guid>
  <category>  International
    Relations </category><category domain="https://x.example/">Sea</category><category>Sea</category>
  <dc:creator>Mira Voss</dc:creator>
  <description>&lt;p&gt;The water came at &lt;b&gt;six&lt;/b&gt;.&lt;/p&gt;
    &lt;script&gt;x()&lt;/script&gt;</description>
  <media:group>
    <media:content url="/pictures/small.jpg" medium="image" width="300"/>
    <media:content url="/pictures/wide.jpg" type="image/jpeg" width="900"/>
    <media:content url="/pictures/huge.jpg" type="image/jpeg" width="4000"/>
    <media:content url="/talk.mp3" type="audio/mpeg"/>
  </media:group>
  <pubDate>Mon, 23 Nov 2026 08:30:00 +0100</pubDate>
</item>
<item>
  <title>Six boats</title><guid>https://harbour.example/six-boats</guid><author>desk@harbour.example (The desk)</author>
  <description>Six boats</description>
  <content:encoded><![CDATA[<img src="https://t.example/p.gif" width="1" height="1"><img src="boats.jpg">
  <p>They left.</p>]]></content:encoded>
  <pubDate>someday</pubDate>
</item>
</channel></rss>"""

RDF = b"""<?xml version="1.0" encoding="iso-8859-1"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
         xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://old.example/"><title>Caf\xe9 journal</title><link>https://old.example/</link></channel>
<item rdf:about="https://old.example/1"><title>Th\xe9</title><link>https://old.example/1</link>
<description>Tea.</description><dc:subject>Drinks</dc:subject><dc:date>2026-11-22T10:00:00Z</dc:date></item>
</rdf:RDF>"""

ATOM = b"""<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://blog.example/posts/">
<title type="text">Notes on &lt;b&gt;</title>
<entry>
  <id>urn:uuid:1</id><title type="html">A &lt;i&gt;new&lt;/i&gt; note</title><link href="one/"/>
  <link rel="enclosure" type="image/png" href="one.png"/>
  <category term="economy" label="The Economy"/><category term="labour"/>
  <author><name>Ann</name><email>ann@blog.example</email></author><author><name>Bo</name></author>
  <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>He<b>ll</b>o</p><img src="in.png"/></div></content>
  <published>2026-11-20T00:00:00Z</published><updated>2026-11-21T00:00:00Z</updated>
</entry>
<entry>
  <id>urn:uuid:2</id><title>Less &lt; more</title><link href="/two"/><summary type="text">a &lt;b&gt; c</summary>
  <updated>2026-11-21T00:00:00+01:00</updated>
</entry>
</feed>"""

JSON_FEED = """{"version": "https://jsonfeed.org/version/1.1",
"title": "Café <notes>", "authors": [{"name": "The house"}], "items": [
 {"id": 7, "url": "one", "title": "Q&A: 1 < 2",
  "content_html": "<p>Yes &amp; no.</p><img src='https://pics.example/x.png'>",
  "authors": [{"name": "Ann"}, {"name": "Bo"}, {"url": "x"}], "tags": ["Sea", " International  Relations ", 5, null],
  "date_published": "2026-11-23T08:30:00+01:00"},
 {"id": "b", "external_url": "https://else.example/b", "content_text": "Plain <b> text", "image": "/b.jpg",
  "date_published": "0001-01-01T00:00:00+14:00", "date_modified": "2026-11-22T00:00:00"},
 {"id": "c", "url": "javascript:x()", "title": "\\ud800Odd",
  "attachments": [{"url": "c.png", "mime_type": "image/png"}]},
 17, {}, {"title": ["x"]}
]}""".encode()

STRANGE_RSS = """
Notice: undefined index in /feed.php on line 3
<?xml version="1.0" encoding="utf-16"?>
<rss version="2.0"><channel xml:lang="fa-IR">
<title>خبرنامه&zwnj;ها &nbsp;\u200f(روز)</title><link>https://news.example/?a=1&b=2</link>
<atom:link rel="self" href="/feed.xml"/><atom:link rel="hub" href="https://hub.example/"/>
<managingEditor>desk@news.example (The desk)</managingEditor>
<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>
<item><title>AT&T &amp;amp; &lt;em&gt;Co&lt;/em&gt;\x08</title><guid>1234</guid><link></link>
  <atom:link href="/one"/><dc:date>2026-11-23</dc:date><dc:creator>ann@news.example</dc:creator></item>
<item xml:lang="de"><guid>https://news.example/two</guid><pubDate>Mo, 23 Nov 2026 08:30 CET</pubDate>
  <description>Der Anfang […]</description></item>
<item><guid isPermaLink="false">https://news.example/three</guid><title>Three</title>
  <enclosure url="/cover.jpg" type="image/jpeg"/><enclosure url="/three.mp3" type="audio/mpeg"/></item>
<item><pubDate>Thu, 01 Jan 1970 99:00:00</pubDate><guid>bare</guid></item>
</channel>""".encode()


def rss(*items: str, title: str = "The Harbour", ttl: int | None = None) -> bytes:
    """An RSS document of `items` as `item` makes them."""
    wait = f"<ttl>{ttl}</ttl>" if ttl else ""
    return f'<rss version="2.0"><channel><title>{title}</title>{wait}{"".join(items)}</channel></rss>'.encode()


def item(
    name: str,
    *,
    title: str = "",
    link: str | None = None,
    at: datetime | None = None,
    categories: Sequence[str] = (),
    text: str = "",
) -> str:
    """One RSS item, known by `name`."""
    link = f"https://harbour.example/{name}" if link is None else link
    when = f"<pubDate>{format_datetime(at)}</pubDate>" if at else ""
    return (
        f'<item><guid isPermaLink="false">{name}</guid><title>{escape(title or name)}</title>{when}'
        f"<link>{escape(link)}</link><description>{escape(text)}</description>"
        + "".join(f"<category>{escape(category)}</category>" for category in categories)
        + "</item>"
    )
