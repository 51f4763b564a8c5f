"""Past stories for everybody to read: what was news in a topic, by the day on which it came, and a search over it."""
