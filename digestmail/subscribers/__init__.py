"""Subscribers: who wants what, when, and the proof that they asked for it."""
