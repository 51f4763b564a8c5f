"""The store: every table, and the few places where databases differ."""
