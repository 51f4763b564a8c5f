"""Editions: which items a digest shows, and in which order."""
