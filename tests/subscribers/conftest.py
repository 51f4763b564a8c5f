"""Two topics to choose from."""

from collections.abc import Iterator

import pytest
from sqlmodel import Session

from digestmail.store.database import Database
from digestmail.store.models import Topic
from digestmail.subscribers.consent import Origin

FORM = Origin.of("form", ip="203.0.113.77", user_agent="Browser/1.0")


@pytest.fixture
def publication(database: Database) -> Database:
    """A database with the topics climate and labour."""
    with database.transaction() as session:
        session.add_all([Topic(slug="climate", name="Climate"), Topic(slug="labour", name="Labour")])
    return database


@pytest.fixture
def session(publication: Database) -> Iterator[Session]:
    """A session in a transaction, with the topics climate and labour."""
    with publication.transaction() as session:
        yield session
