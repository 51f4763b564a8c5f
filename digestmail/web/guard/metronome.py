"""Lets answers come at a steady pace, so that the time an answer takes tells nothing of who is known."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

TICK_SECONDS = 0.25
"""Answers come at whole multiples of it. What a sign-up does takes some 10 ms, with a disk that is busy 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metronome:
    """How time is measured and waited for."""

    ticks: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def keep(self, began: float) -> None:
        """Wait until a whole number of ticks has passed since `began`, and one at least."""
        spent = self.ticks() - began
        count = max(1, math.ceil(spent / TICK_SECONDS))
        await self.sleep(count * TICK_SECONDS - spent)


class Timed(APIRoute):
    """A route whose answers to a POST come at the site's pace: what it does is done and committed before it waits."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the wait behind it."""
        handle = super().get_route_handler()

        async def handle_steadily(request: Request) -> Response:
            if request.method != "POST":
                return await handle(request)
            metronome: Metronome = request.app.state.site.metronome
            began = metronome.ticks()
            try:
                return await handle(request)
            finally:
                await metronome.keep(began)

        return handle_steadily
