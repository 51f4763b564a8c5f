"""Patterns of words, made of many turns of phrase."""

import re


def any_of(*phrases: str) -> re.Pattern[str]:
    """Finds any of these phrases, each a regular expression, in letters of any case."""
    return re.compile("|".join(phrases), re.IGNORECASE | re.MULTILINE)
