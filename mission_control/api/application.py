"""The application, assembled from its routes."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from mission_control.api.artifact_routes import artifact_routes
from mission_control.api.attestation_routes import attestation_routes
from mission_control.api.event_stream import stream_routes
from mission_control.api.floor_routes import (
    event_routes,
    metrics_routes,
    schedule_routes,
    status_routes,
)
from mission_control.api.history_routes import history_routes
from mission_control.api.liveness import health_routes, liveness_routes
from mission_control.api.options import ApiParts, ReadingParts
from mission_control.api.problems import exception_handlers
from mission_control.api.readers_aside import ReadersAside
from mission_control.api.record_routes import lkg_routes, no_execution_routes
from mission_control.api.report_routes import report_routes
from mission_control.api.runbook_routes import runbook_routes
from mission_control.api.schema_routes import contract_routes, describe, description_routes
from mission_control.api.security import SecuredApplication
from mission_control.api.snapshot_routes import agent_routes, session_routes, snapshot_routes
from mission_control.api.the_past import refuse_the_past

Lifespan = Callable[[object], AbstractAsyncContextManager[None]]


def create_application(parts: ApiParts, lifespan: Sequence[Lifespan] = ()) -> SecuredApplication:
    """
    Return the whole API as one ASGI application; every route of it is GET.

    None of its parts can write, and no answer waits for anything slow.
    """
    litestar = _litestar(_routes(parts), parts.options.label, lifespan)
    aside = None
    if parts.ask is not None:
        aside = ReadersAside(litestar, parts.ask, parts.clock, parts.options.label)
    return SecuredApplication(litestar, parts.options, parts.clock, aside)


def reading_application(parts: ReadingParts) -> Litestar:
    """Return the routes of history and record only, for the process that answers readers."""
    return _litestar(_reading_routes(parts), parts.options.label)


def _litestar(
    routes: Sequence[HTTPRouteHandler], label: str, lifespan: Sequence[Lifespan] = ()
) -> Litestar:
    return Litestar(
        route_handlers=routes,
        before_request=refuse_the_past,
        exception_handlers=exception_handlers(label),
        lifespan=list(lifespan),
        logging_config=None,
        openapi_config=None,
        debug=False,
    )


def _reading_routes(parts: ReadingParts) -> list[HTTPRouteHandler]:
    return [
        *snapshot_routes(parts),
        *session_routes(parts),
        *agent_routes(parts),
        *runbook_routes(parts),
        *no_execution_routes(parts),
        *artifact_routes(parts),
        *history_routes(parts),
        *report_routes(parts),
        *lkg_routes(parts),
    ]


def _routes(parts: ApiParts) -> list[HTTPRouteHandler]:
    routes = [
        *liveness_routes(parts),
        *health_routes(parts),
        *status_routes(parts),
        *metrics_routes(parts),
        *_reading_routes(parts),
        *event_routes(parts),
        *stream_routes(parts),
        *attestation_routes(parts),
        *schedule_routes(parts),
        *contract_routes(),
    ]
    options = parts.options
    description = partial(describe, routes, options.version)
    routes.extend(description_routes(description, options.label))
    return routes
