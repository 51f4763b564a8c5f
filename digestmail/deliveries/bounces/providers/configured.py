"""The webhooks that exist: those whose secret is in the settings."""

from collections.abc import Mapping

from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.providers.event import Webhook
from digestmail.deliveries.bounces.providers.mailgun import Mailgun
from digestmail.deliveries.bounces.providers.postmark import Postmark
from digestmail.deliveries.bounces.providers.sendgrid import SendGrid
from digestmail.deliveries.bounces.providers.ses import Ses
from digestmail.deliveries.bounces.providers.sns import Fetch, Topics
from digestmail.settings import Settings


def webhooks(settings: Settings, proofs: Proofs, *, fetch: Fetch) -> Mapping[str, Webhook]:
    """The webhooks by the names in their addresses. Raises SettingsError where a key cannot be used."""
    found: dict[str, Webhook] = {}
    if settings.ses_topics:
        found["ses"] = Ses(Topics(settings.ses_topics, fetch), proofs)
    if settings.postmark_secret:
        found["postmark"] = Postmark(settings.postmark_secret, proofs)
    if settings.sendgrid_key:
        found["sendgrid"] = SendGrid(settings.sendgrid_key, proofs)
    if settings.mailgun_key:
        found["mailgun"] = Mailgun(settings.mailgun_key, proofs)
    return found
