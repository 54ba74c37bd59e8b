"""The rows of the table: what was measured in each round, and what is asked of it."""

from dataclasses import dataclass, field
from statistics import median


@dataclass
class Row:
    """One line of the table.

    A row with ``at_least`` is the ratio of ours to the limit, one with ``at_most_times`` too, but
    of what shall be small, with the ratio of each round by itself. One with ``at_most`` has no
    limit and is a figure of its own. ``unit`` is that of all.
    """

    number: str
    what: str
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    at_most_times: float | None = None
    ours: list[float] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        """Median of ours to median of the limit; of the rounds' ratios with ``at_most_times``."""
        if not self.limits:
            return None
        if self.at_most_times is not None:
            return median(a / b for a, b in zip(self.ours, self.limits, strict=True))
        return median(self.ours) / median(self.limits)

    @property
    def worst_ratio(self) -> float | None:
        """Our worst run to the best of the limit."""
        if not self.limits:
            return None
        if self.at_most_times is not None:
            return max(self.ours) / min(self.limits)
        return min(self.ours) / max(self.limits)

    @property
    def passed(self) -> bool:
        """Whether the median keeps the budget."""
        ratio = self.ratio
        if self.at_least is not None:
            return ratio is not None and ratio >= self.at_least
        if self.at_most_times is not None:
            return ratio is not None and ratio <= self.at_most_times
        return self.at_most is None or median(self.ours) <= self.at_most

    def cells(self) -> list[str]:
        """The row as texts, in the order of ``HEADER``."""
        if self.at_least is not None:
            budget = f"≥ {self.at_least:g}"
        elif self.at_most_times is not None:
            budget = f"≤ {self.at_most_times:g}"
        else:
            budget = f"≤ {self.at_most:g} {self.unit}"
        latency = f"{median(self.p50_ms):.1f} / {median(self.p99_ms):.1f}" if self.p50_ms else "–"
        return [
            self.number,
            self.what,
            _spread(self.ours, self.unit),
            _spread(self.limits, self.unit) if self.limits else "–",
            _number(self.ratio),
            _number(self.worst_ratio),
            latency,
            budget,
            "kept" if self.passed else "MISSED",
        ]


HEADER = [
    "row",
    "what",
    "ours: median (min–max)",
    "limit: median (min–max)",
    "ratio",
    "worst",
    "p50 / p99 ms",
    "budget",
    "verdict",
]


def table(rows: list[Row]) -> str:
    """The rows as a table in Markdown that can also be read as it is."""
    lines = [HEADER, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    lines.insert(1, ["-" * width for width in widths])
    padded = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def _spread(values: list[float], unit: str) -> str:
    form = "{:,.0f}" if max(values) >= 1_000 else "{:.2f}"
    middle, least, most = (form.format(v) for v in (median(values), min(values), max(values)))
    return f"{middle}{'' if unit.startswith('/') else ' '}{unit} ({least}–{most})"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
