"""Which service answers under which name of the roster."""

from collections.abc import Mapping

from mission_control.simulation.answers import Respond
from mission_control.simulation.services import (
    execution_engine,
    market_ingest,
    marketdata_mcp_server,
    ops_ui,
    strategy_engine,
    strategy_runtime,
)


def answering_services() -> Mapping[str, Respond]:
    """Return how each service that has HTTP answers, by its name."""
    return {
        "marketdata-mcp-server": marketdata_mcp_server.respond,
        "strategy-engine": strategy_engine.respond,
        "gamma-strategy": strategy_runtime.respond,
        "whale-strategy": strategy_runtime.respond,
        "strategy-service": strategy_runtime.respond,
        "execution-engine": execution_engine.respond,
        "market-ingest": market_ingest.respond,
        "ops-ui": ops_ui.respond,
    }
