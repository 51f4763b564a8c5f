"""Every module with scenarios, so that importing this one enters them all."""

from tests.chaos import brokers, calendars, feeds, killing, months, people, servers, storage, strangers

__all__ = ("brokers", "calendars", "feeds", "killing", "months", "people", "servers", "storage", "strangers")
