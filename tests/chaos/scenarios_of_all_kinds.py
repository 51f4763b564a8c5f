"""Every module with scenarios, so that importing this one enters them all."""

from tests.chaos import brokers, calendars, killing, months, people, servers, storage

__all__ = ("brokers", "calendars", "killing", "months", "people", "servers", "storage")
