"""How many confirmation mails were asked for of late: what a sign-up attack on many mailboxes looks like."""

from datetime import datetime

from sqlalchemy import literal_column
from sqlmodel import Session, col, func, select

from digestmail.store.models import Delivery


def confirmations_asked(session: Session, *, since: datetime) -> int:
    """Over all processes, by the index that has confirmations alone: it is used since the kind is no parameter."""
    is_confirmation = col(Delivery.kind) == literal_column("'confirmation'")
    return session.exec(
        select(func.count()).select_from(Delivery).where(is_confirmation, col(Delivery.created_at) > since)
    ).one()
