"""`slowfast-live analyze --cluster ADDRESS`."""

from __future__ import annotations

from slowfast_live.analysis.command import AnalyzeOptions, run
from slowfast_live.cluster.address import parse_cluster, require_ray
from slowfast_live.cluster.engine import ClusterEngine


def run_on_cluster(order: AnalyzeOptions, where: str) -> int:
    """Analyze on the cluster at `where` and return the exit code; see `slowfast_live.analysis.command.run`.

    Raises:
        UsageError: It is no address, or Ray is not installed.
        SlowFastLiveError: The analysis could not start or continue, for a reason that the user can fix.
    """
    address = parse_cluster(where)
    require_ray()
    return run(
        order,
        lambda model, facts, options, tell: ClusterEngine(
            address, model, facts, options.settings, annotate=options.outputs.annotate, tell=tell
        ),
    )
