"""Quantiles from the buckets of histograms, as Prometheus' histogram_quantile estimates them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from streams.operations.top.samples import Samples, grown


def buckets(looks: Iterable[tuple[Samples, Samples]], name: str, **labels: str) -> dict[float, float]:
    """Upper bound -> observations up to it, between two scrapes of each of several processes, together."""
    found: dict[float, float] = {}
    for now, before in looks:
        bounds = {each["le"] for each, _ in now.having(f"{name}_bucket", **labels)}
        for bound in bounds:
            more = grown(now, before, f"{name}_bucket", **labels, le=bound)
            found[float(bound)] = found.get(float(bound), 0.0) + more
    return found


def quantile(share: float, cumulative: Mapping[float, float]) -> float | None:
    """The value below which this share of the observations lies, linear within its bucket; None without any."""
    bounds = sorted(cumulative)
    if not bounds or cumulative[bounds[-1]] <= 0:
        return None
    rank = share * cumulative[bounds[-1]]
    lower, below = 0.0, 0.0
    for bound in bounds:
        if cumulative[bound] >= rank:
            if math.isinf(bound):
                return lower  # beyond the last bound nothing is known
            within = cumulative[bound] - below
            return bound if within <= 0 else lower + (bound - lower) * (rank - below) / within
        lower, below = bound, cumulative[bound]
    return lower
