"""Where mail providers tell of bounces and complaints: machines call, so there is no form and no page."""

from collections.abc import Mapping

import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect

from digestmail.clock import Clock
from digestmail.deliveries.bounces.intake import Intake
from digestmail.deliveries.bounces.providers.event import Call, RefusedError, UnreadableError, Webhook
from digestmail.errors import DigestmailError

log = structlog.get_logger(__name__)

MAX_CONTENT = 1024 * 1024
"""Bytes of a call: Amazon's have a quarter of that, SendGrid sends 768 KB at once."""


def router_of(webhooks: Mapping[str, Webhook], intake: Intake, clock: Clock) -> APIRouter:
    """The routes of these webhooks; what is named otherwise is not there."""
    router = APIRouter()

    @router.post("/bounces/{provider}", max_body_size=MAX_CONTENT)
    async def hear(request: Request, provider: str) -> Response:
        """Count what a provider tells. 2xx only when it is committed: otherwise the provider comes again."""
        webhook = webhooks.get(provider)
        if webhook is None:
            raise HTTPException(404)
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=400)
        call = Call(body, {name.lower(): value for name, value in request.headers.items()})
        return await run_in_threadpool(_hear, provider, webhook, call)

    def _hear(provider: str, webhook: Webhook, call: Call) -> Response:
        try:
            for report in webhook.reports(call, now=clock()):
                taken = intake.take(report)
                log.info(
                    "took what came back", source=provider, counted=str(taken.counted), suppressed=taken.suppressed
                )
        except RefusedError as error:
            log.warning("a call to a webhook was refused", provider=provider, why=str(error))
            if error.ask_for_password:
                return Response(status_code=401, headers={"WWW-Authenticate": 'Basic realm="bounces"'})
            return Response(status_code=403)
        except UnreadableError as error:
            log.warning("a call to a webhook cannot be read", provider=provider, why=str(error))
            return Response(status_code=400)
        except (SQLAlchemyError, DigestmailError) as error:
            log.warning("a call to a webhook has to be repeated", provider=provider, error=type(error).__name__)
            return Response(status_code=503, headers={"Retry-After": "60"})
        return Response(status_code=204)

    return router
