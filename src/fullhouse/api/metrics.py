"""``GET /metrics``: what this process has counted, in the form that Prometheus reads.

The figures are plain numbers of those who count; they are put into Prometheus's form when somebody
asks. Each process has its own, with its id as the label ``process``: where several share a port, a
question reaches any of them.

They tell what goes on in the house, so only listed addresses may read them, and only without a
proxy in between: what comes through one could come from anybody.
"""

import os
from collections.abc import Iterable, Iterator
from typing import Any

from litestar import Request, Response, Router, get
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from fullhouse.api.answers import Answers, Figures
from fullhouse.api.compression import CODINGS
from fullhouse.api.context import client_address
from fullhouse.api.errors import NOT_FOUND
from fullhouse.api.permissions import PUBLIC
from fullhouse.api.proxies import Proxies
from fullhouse.api.shared import SharedAnswers
from fullhouse.kit.errors import Refused

_SIGNS_OF_PROXIES = ("x-forwarded-for", "forwarded", "via")
_OUTCOMES = {
    "l1": ("hit", "wait", "miss", "stale"),
    "l2": ("hit", "miss", "stale", "away"),
    "seats": ("hit", "wait", "miss", "stale"),
}


class AnswersCollector(Collector):
    """The figures of the kept answers, of both levels, and of those about seats."""

    def __init__(self, answers: Answers, shared: SharedAnswers | None, seats: Figures) -> None:
        self._answers = answers
        self._shared = shared
        self._seats = seats
        self._process = str(os.getpid())

    def collect(self) -> Iterator[Metric]:
        """Each figure as it is now."""
        yield self._outcomes()
        answers = self._answers
        yield self._gauge("answers_kept", "Answers kept in memory.", len(answers))
        yield self._gauge("answers_kept_bytes", "What they take.", answers.kept_bytes)
        stored = 0 if self._shared is None else self._shared.figures.stored
        yield self._counter("answers_shared", "Answers given to other processes.", [((), stored)])
        compressor = answers.compressor
        made = [((coding.decode(),), compressor.made[coding]) for coding in CODINGS]
        yield self._counter("compressions", "Bodies compressed.", made, "coding")
        for name, what, value in (
            ("compression_input_bytes", "Of these bodies before.", compressor.bytes_in),
            ("compression_output_bytes", "Of these bodies afterwards.", compressor.bytes_out),
        ):
            yield self._counter(name, what, [((), value)])

    def _outcomes(self) -> Metric:
        values = [
            ((level, outcome), getattr(figures, outcome))
            for level, figures in (
                ("l1", self._answers.figures),
                ("l2", None if self._shared is None else self._shared.figures),
                ("seats", self._seats),
            )
            if figures is not None
            for outcome in _OUTCOMES[level]
        ]
        what = (
            "Reads that may be kept: answered from memory (l1), then by asking Valkey (l2); those "
            "of the seats of a showtime by themselves."
        )
        return self._counter("answers", what, values, "level", "outcome")

    def _counter(
        self,
        name: str,
        what: str,
        values: Iterable[tuple[tuple[str, ...], int]],
        *labels: str,
    ) -> Metric:
        family = CounterMetricFamily(f"fullhouse_{name}", what, labels=(*labels, "process"))
        for given, value in values:
            family.add_metric((*given, self._process), value)
        return family

    def _gauge(self, name: str, what: str, value: int) -> Metric:
        family = GaugeMetricFamily(f"fullhouse_{name}", what, labels=("process",))
        family.add_metric((self._process,), value)
        return family


def routes(collectors: Iterable[Collector], readers: Proxies) -> Router:
    """``/metrics`` with the figures of these collectors, for the listed addresses."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)

    @get("/metrics", access=PUBLIC, name="metrics")
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        headers = request.headers
        through_proxy = any(sign in headers for sign in _SIGNS_OF_PROXIES)
        if through_proxy or not readers.lists(client_address()):
            raise Refused(NOT_FOUND)
        encode, media_type = choose_encoder(headers.get("accept", ""))
        return Response(encode(registry), media_type=media_type)

    return Router("/", route_handlers=[metrics], include_in_schema=False)
