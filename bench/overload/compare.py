"""Both sides of a point: what is compared, how far apart they may be, and how it is shown."""

import math

AGREES = 0.15       # of the simulated value
CORE_MOST = 0.5     # of the gateway's core
FREEZING_COSTS_MOST = 0.1
ALWAYS, OVERLOAD, NEVER = 0, 2, math.inf     # multiples of capacity
FEW = 0.02          # shares below it are compared by their difference alone


class Row:
    """`of` takes one side's figures; the two must agree at loads from `bound_from` on."""

    def __init__(self, name, unit, of, bound_from=NEVER):
        self.name, self.unit, self.of, self.bound_from = name, unit, of, bound_from


def refused_share(side):
    return sum(side["refused"].values()) / max(side["offered"], 1)


def good_share(klass):
    def of(side):
        seen = side["classes"][klass]
        return seen["good"] / max(seen["offered"], 1)
    return of


def ttft(share):
    return lambda side: side["classes"]["realtime"]["ttft"][share]


ROWS = [
    Row("goodput", "requests/s", lambda side: side["goodput"], ALWAYS),
    Row("goodput_tokens", "weighted tokens/s", lambda side: side["goodput_tokens"], ALWAYS),
    Row("realtime_in_target", "ratio", good_share("realtime")),
    Row("bulk_in_target", "ratio", good_share("bulk")),
    Row("refused", "ratio", refused_share, ALWAYS),
    Row("ttft_p50_realtime", "s", ttft("p50")),
    Row("ttft_p99_realtime", "s", ttft("p99"), OVERLOAD),
    Row("busy", "ratio", lambda side: side["busy"]),
]


def difference(row, real, simulated):
    """Of the simulated value; of small shares the plain difference. None: it cannot be said."""
    if real is None or simulated is None:
        return None
    if row.unit == "ratio" and max(real, simulated) < FEW:
        return real - simulated
    return real / simulated - 1 if simulated else None


def figures(point):
    """The lines of one point."""
    suffix = f"{point['load']:g}c"
    for row in ROWS:
        real, simulated = row.of(point["real"]), row.of(point["simulated"])
        apart = difference(row, real, simulated)
        line = {"figure": f"overload_{row.name}_{suffix}", "value": _short(real),
                "simulated": _short(simulated), "difference": _short(apart), "unit": row.unit}
        if point["load"] >= row.bound_from:
            line["within_bound"] = apart is not None and abs(apart) <= AGREES
        yield line
    yield {"figure": f"overload_gateway_core_{suffix}", "value": _short(point["gateway_core"]),
           "unit": "cores", "within_bound": point["gateway_core"] < CORE_MOST,
           "sent_late_ms_most": _short(point["latest_ms"]), "failures": point["failures"],
           "load_average_before": _short(point["load_average_before"])}


def cost_of_freezing(point, frozen, how):
    """What it costs that engines' metrics stand still."""
    before, after = point["real"]["goodput"], frozen["real"]["goodput"]
    cost = 1 - after / before if before else None
    return {"figure": f"overload_freezing_cost_{point['load']:g}c", "value": _short(cost),
            "unit": "ratio", "said": how,
            "goodput": _short(after), "goodput_before": _short(before),
            "simulated_goodput": _short(frozen["simulated"]["goodput"]),
            "within_bound": cost is not None and cost <= FREEZING_COSTS_MOST}


def table(points):
    """A line a figure, for each point the real value, the simulated one and their difference."""
    lines = [["", *(f"{point['load']:g} C: real, simulated" for point in points)]]
    for row in ROWS:
        cells = []
        for point in points:
            real, simulated = row.of(point["real"]), row.of(point["simulated"])
            apart = difference(row, real, simulated)
            said = "" if apart is None else f" ({100 * apart:+.1f} %)"
            said += "" if point["load"] >= row.bound_from else " *"
            cells.append(f"{_text(real)}, {_text(simulated)}{said}")
        lines.append([f"{row.name}, {row.unit}", *cells])
    lines.append(["gateway's core", *(f"{100 * point['gateway_core']:.1f} %" for point in points)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)) for line in lines]
    return "\n".join(line.rstrip() for line in [*shown, "* not bound to agree"])


def _short(value):
    return float(f"{value:.4g}") if isinstance(value, float) else value


def _text(value):
    return "never" if value is None else f"{value:.4g}"
