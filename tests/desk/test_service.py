"""What one process does on a schedule."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import func, select

from digestmail.clock import standing_still
from digestmail.desk.service import Service
from digestmail.feeds.retention import KEPT_OF_A_TOPIC
from digestmail.settings import load_settings
from digestmail.store.models import Item, ItemTopic, Topic


@pytest.mark.parametrize(
    ("settings", "kept_days"),
    [
        ({}, 1095),
        ({"ARCHIVE": "off"}, 90),
        ({"ARCHIVE_DAYS": "7"}, 90),
        ({"ARCHIVE": "off", "KEEP_DAYS": "7"}, 31),
    ],
)
def test_items_are_kept_as_long_as_somebody_may_read_them(
    tmp_path: Path, sqlite_template: Path, now: datetime, settings: dict[str, str], kept_days: int
) -> None:
    (tmp_path / "digestmail.db").write_bytes(sqlite_template.read_bytes())
    given = {f"DIGESTMAIL_{name}": value for name, value in settings.items()}
    service = Service(load_settings({"DIGESTMAIL_DATA_DIR": str(tmp_path), **given}, folder=tmp_path))
    ages = [timedelta(days=kept_days - 1), timedelta(days=kept_days + 1)]
    with service.database.transaction() as session:
        session.add(Topic(id=1, slug="sea", name="Sea"))
        session.flush()
        for number, age in enumerate([*ages, *[timedelta()] * KEPT_OF_A_TOPIC], 1):
            at = now - age
            session.add(Item(id=number, url="", link_key="", title=str(number), published_at=at, seen_at=at))
            session.flush()
            session.add(ItemTopic(item_id=number, topic_id=1, seen_at=at))
    service.collect(standing_still(now))
    with service.database.reading() as session:
        assert session.exec(select(func.count()).select_from(Item)).one() == KEPT_OF_A_TOPIC + 1
        assert session.get(Item, 2) is None
    service.database.engine.dispose()
