"""Cycles over frame size and over tunnels, as a picture."""
from benchmark import budget


def lines_over(results, axis, fixed):
    """Lines as {label: [(x, net cycles, crypto cycles)]}: results that have `fixed` values and a number on the axis."""
    lines = {}
    for result in results:
        net = budget.net_cycles(result)
        if net is None or not isinstance(result[axis], int):
            continue
        if any(result[field] != value for field, value in fixed.items()):
            continue
        label = f"{result['suite'] or 'IPv' + str(result['family'])} {result['direction']}"
        if axis != "size":
            label += f", {result['size']} bytes"
        figures = (result[axis], net, result.get("crypto_cycles"))
        lines.setdefault(label, {})[result[axis]] = figures
    return {label: sorted(points.values()) for label, points in lines.items() if len(points) > 1}


def draw(axes, lines, title, x_label):
    for label, points in sorted(lines.items()):
        x, net, crypto = zip(*points)
        (line,) = axes.plot(x, net, marker="o", markersize=3, label=label)
        if all(crypto):
            axes.plot(x, crypto, linestyle=":", color=line.get_color())
    axes.set(title=title, xlabel=x_label, ylabel="cycles a packet, less the port device's")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    if lines:
        axes.legend(fontsize=7)
    else:
        axes.text(0.5, 0.5, "not measured", ha="center", transform=axes.transAxes)


def write(path, results, machine):
    # Only a plot needs it, so that only a plot asks for its package.
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    one = {"workers": 1, "during": "nothing"}
    figure, (by_size, by_tunnels) = pyplot.subplots(1, 2, figsize=(12, 5), layout="constrained")
    draw(by_size, lines_over(results, "size", one | {"tunnels": 1, "routes": 1}), "One tunnel, one route",
         "frame, bytes (IMIX is left out)")
    draw(by_tunnels, lines_over(results, "tunnels", one), "Tunnels", "tunnels")
    by_tunnels.set_xscale("log")
    figure.suptitle(f"{machine} (dotted: the cryptography alone)", fontsize=8)
    figure.savefig(path)
