"""Feeds: what publishers put on the web, fetched politely, read, cleaned and stored once."""
