"""An export as WordPress writes it, from articles: posts, and around them what is no article."""

from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

HEAD = """<?xml version="1.0" encoding="UTF-8" ?>
<!-- generator="WordPress/6.4" created="2025-11-01 12:00" -->
<rss version="2.0"
	xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
	xmlns:content="http://purl.org/rss/1.0/modules/content/"
	xmlns:dc="http://purl.org/dc/elements/1.1/"
	xmlns:wp="http://wordpress.org/export/1.2/">
<channel>
	<title>Вести города</title>
	<link>https://www.vesti.example</link>
	<wp:wxr_version>1.2</wp:wxr_version>
	<wp:base_site_url>https://www.vesti.example</wp:base_site_url>
	<wp:category><wp:term_id>7</wp:term_id><wp:cat_name><![CDATA[Спорт]]></wp:cat_name></wp:category>
"""
TAIL = "</channel>\n</rss>\n"


def export(articles: Iterable[Mapping[str, Any]], more: str = "") -> bytes:
    """`articles` are labelled records; `more` is put between them and the end."""
    return (HEAD + "".join(item(number, article) for number, article in enumerate(articles, 1)) + more + TAIL).encode()


def item(number: int, article: Mapping[str, Any], kind: str = "post", status: str = "publish", meta: str = "") -> str:
    categories = article.get("categories") or [article[name] for name in ("rubric",) if article.get(name)]
    labels = [("category", label) for label in categories] + [("post_tag", label) for label in article.get("tags", ())]
    content = str(article.get("text") or article.get("body_html") or "")
    paragraphs = content.replace("\n", "</p>\n<!-- /wp:paragraph -->\n\n<p>")
    return f"""	<item>
		<title>{escape(article["title"])}</title>
		<link>https://www.vesti.example/?p={number}</link>
		<pubDate>Fri, 10 Jan 2025 06:55:00 +0000</pubDate>
		<dc:creator><![CDATA[editor]]></dc:creator>
		<guid isPermaLink="false">https://www.vesti.example/?p={number}</guid>
		<description></description>
		<content:encoded><![CDATA[<!-- wp:paragraph -->\n<p>{paragraphs}</p>\n[gallery ids="1,2"]]]></content:encoded>
		<excerpt:encoded><![CDATA[{article.get("lead") or ""}]]></excerpt:encoded>
		<wp:post_id>{number}</wp:post_id>
		<wp:post_date><![CDATA[{str(article.get("published_at", "0000-00-00"))[:19].replace("T", " ")}]]></wp:post_date>
		<wp:post_date_gmt><![CDATA[0000-00-00 00:00:00]]></wp:post_date_gmt>
		<wp:status><![CDATA[{status}]]></wp:status>
		<wp:post_type><![CDATA[{kind}]]></wp:post_type>
{"".join(f'		<category domain="{of}" nicename="x"><![CDATA[{label}]]></category>' for of, label in labels)}
		{meta}
	</item>
"""
