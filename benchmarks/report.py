"""Tables and pictures of what was measured, made from the results file alone."""

import csv
import io
from itertools import groupby

import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from benchmarks import results
from benchmarks.problem import CELLS, SIZES
from rnn_course.drawing import COLORS, use_style

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
OTHERS = {"keras.layers": ("input", "o"), "torch.nn": ("hidden", "D")}  # a color and a marker each
CURVES = {
    "keras.layers, jit": ("input", "^", ":"),
    "keras.layers": ("input", "o", "-"),
    "torch.nn": ("output", "D", "-."),
    "parallel": ("hidden", "s", "--"),
    "loop": ("input", "o", "-"),
    "ours": ("hidden", "s", "--"),
    "ours, checkpoint": ("weights", "v", "-"),
}
PLAIN = FuncFormatter(lambda value, _: f"{value:g}")


def report(path):
    """Write the tables and pictures that belong to a results file, beside it.

    Parameters
    ----------
    path : pathlib.Path
        The JSON file that ``python -m benchmarks`` made.

    Returns
    -------
    list of pathlib.Path
        The files: ``NAME.md`` shows all, ``NAME.csv`` has every number, and the pictures are PNG.

    Raises
    ------
    ValueError
        If there is no such file.
    """
    if not path.exists():
        raise ValueError(
            f"There are no results {path}: measure first, with `python -m benchmarks`, or choose a --name."
        )
    content = results.read(path)
    files, parts = [], [f"# Speed and memory, {describe_machine(content['machine'])}\n"]
    for name, title, make in pictures(content["groups"]):
        figure, description = make()
        file = path.with_name(f"{path.stem}-{name}.png")
        save(figure, file)
        files.append(file)
        parts.append(f"## {title}\n\n![{description}]({file.name})\n")
    parts.append(f"## All numbers\n\n{markdown(content['groups'])}")
    table = path.with_suffix(".csv")
    results.write(table, rows_as_csv(rows(content["groups"])))
    text = path.with_suffix(".md")
    results.write(text, "\n".join(parts))
    return [text, table, *files]


def describe_machine(machine):
    """Return a machine in words."""
    return ", ".join(filter(None, [machine["processor"], f"{machine['cores']} cores", machine.get("gpu")]))


def pictures(groups):
    """Yield name, title and maker of each picture that the groups have data for."""
    settings = dict.fromkeys(setting(g) for g in groups if g["measure"] == "steps")
    for one in settings:
        here = [g for g in groups if g["measure"] == "steps" and setting(g) == one]
        yield "-".join(("steps", *one)), in_words(one), lambda here=here: plot_ratios(here)
    for one in dict.fromkeys(setting(g) for g in groups if g["measure"] == "scan"):
        here = [g for g in groups if g["measure"] == "scan" and setting(g) == one]
        title = f"Loop and parallel scan (minGRU): {in_words(one)}"
        yield "-".join(("scan", *one)), title, lambda here=here: plot_scan(here)
    for group in groups:
        if group["measure"] == "memory":
            yield "memory", "Peak memory of a training step", lambda group=group: plot_memory(group)


def setting(group):
    """Return device, precision, threads and malloc of a group."""
    return tuple(group[name] for name in ("device", "precision", "threads", "malloc"))


def in_words(one):
    """Return a setting in words."""
    device, precision, threads, malloc = one
    cores = {"one": "One core", "all": "All cores"}[threads]
    return f"GPU, {precision}" if device == "gpu" else f"{cores}, {malloc} malloc, {precision}"


def size_name(group):
    """Return S, M, L, or T where it is none of them."""
    sizes = {size: name for name, size in SIZES.items()}
    four = tuple(group[name] for name in ("batch", "steps", "features", "units"))
    return sizes.get(four, f"T = {group['steps']}")


def ratios(groups):
    """Return {(cell, size, backend): {other: quartiles of ours ÷ other}} in the order of the cells and sizes."""
    found = {}
    for group in sorted(groups, key=lambda g: (CELLS.index(g["cell"]), g["batch"] * g["steps"] * g["units"])):
        for backend, other, values in results.comparisons(group["entries"]):
            found.setdefault((group["cell"], size_name(group), backend), {})[other] = values
    return found


def plot_ratios(groups):
    """Draw ours ÷ the others, a row for each cell, size and backend; return the figure and its description."""
    use_style()
    found = ratios(groups)
    figure, axes = plt.subplots(figsize=(6, 1.4 + 0.27 * len(found)))
    for other, (color, marker) in OTHERS.items():
        points = [(values[other], row) for row, values in enumerate(found.values()) if other in values]
        for (low, _, high), row in points:
            axes.plot([low, high], [row, row], color=COLORS[color], linestyle="-")
        axes.plot(
            [middle for (_, middle, _), _ in points],
            [row for _, row in points],
            marker,
            color=COLORS[color],
            label=f"÷ {other}",
        )
    axes.axvline(1, color=COLORS["operation"], linewidth=1, linestyle="-")
    axes.set_yticks(range(len(found)), [f"{cell} {size}, {BACKENDS[backend]}" for cell, size, backend in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xscale("log")
    plain_ticks(axes.xaxis, (0.1, 0.2, 0.5, 1, 2, 5))
    axes.set_xlabel("time of our training step ÷ time of the other's")
    axes.grid(axis="y", linewidth=0.5, alpha=0.4)
    figure.legend(loc="outside upper center", ncols=2)
    return figure, describe_ratios(found)


def describe_ratios(found):
    """Return the alternative text of `plot_ratios`."""
    sentences = ["Dot plot: the time of our training step, divided by the time of others; below 1 ours is faster."]
    for other in OTHERS:
        middles = {key: values[other][1] for key, values in found.items() if other in values}
        if middles:
            best, worst = min(middles, key=middles.get), max(middles, key=middles.get)
            sentences.append(
                f"Of {other}: from {middles[best]:.2f} ({name_of(best)}) to {middles[worst]:.2f} ({name_of(worst)}); "
                f"below 1 in {sum(m < 1 for m in middles.values())} of {len(middles)}."
            )
    return " ".join(sentences)


def name_of(row):
    """Return a row's cell, size and backend in words."""
    cell, size, backend = row
    return f"{cell} {size} on {BACKENDS[backend]}"


def plot_memory(group):
    """Draw peak memory against T, a panel for each backend; return the figure and its description."""
    points = [e for e in group["entries"] if "mebibytes" in e]
    curves = {
        (backend, candidate): [(e["steps"], e["mebibytes"]) for e in some]
        for (backend, candidate), some in groupby(points, lambda e: (e["backend"], e["candidate"]))
    }
    figure = plot_curves(curves, "MiB at the peak")
    ends = [
        f"{BACKENDS[backend]}, {candidate}: {curve[-1][1]:.0f} at T = {curve[-1][0]}"
        for (backend, candidate), curve in curves.items()
    ]
    head = f"Curves on two logarithmic axes: MiB that a training step of an {group['cell']} needs, against T. "
    return figure, head + "; ".join(ends) + "."


def plot_scan(groups):
    """Draw the time of MinGRU's training step against T, loop and scan; return the figure and its description."""
    curves = {}
    for group in sorted(groups, key=lambda g: g["steps"]):
        for entry in group["entries"]:
            if entry["candidate"] in ("loop", "parallel") and results.timed(entry):
                point = (group["steps"], 1000 * results.median(entry))
                curves.setdefault((entry["backend"], entry["candidate"]), []).append(point)
    figure = plot_curves(curves, "ms for a training step")
    ends = [
        f"{BACKENDS[backend]}, {candidate}: {curve[-1][1]:.3g} at T = {curve[-1][0]}"
        for (backend, candidate), curve in curves.items()
    ]
    head = "Curves on two logarithmic axes: milliseconds for a training step of a MinGRU, against T. "
    return figure, head + "; ".join(ends) + "."


def plot_curves(curves, label):
    """Draw {(backend, candidate): [(T, value), ...]} on logarithmic axes, a panel for each backend."""
    use_style()
    backends = list(dict.fromkeys(backend for backend, _ in curves))
    figure, panels = plt.subplots(
        len(backends), figsize=(6, 0.8 + 2.3 * len(backends)), sharex=True, sharey=True, squeeze=False
    )
    for axes, backend in zip(panels[:, 0], backends):
        for (where, candidate), curve in curves.items():
            if where == backend:
                color, marker, dashes = CURVES[candidate]
                style = {"color": COLORS[color], "marker": marker, "linestyle": dashes, "markersize": 5}
                axes.plot(*zip(*curve), **style, label=candidate)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(BACKENDS[backend], loc="left")
        axes.set_ylabel(label)
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(PLAIN)
    plain_ticks(panels[-1, 0].xaxis, sorted({steps for curve in curves.values() for steps, _ in curve}))
    panels[-1, 0].set_xlabel("time steps, T")
    named = {}
    for axes in panels[:, 0]:
        for handle, candidate in zip(*axes.get_legend_handles_labels()):
            named.setdefault(candidate, handle)
    figure.legend(named.values(), named.keys(), loc="outside upper center", ncols=2)
    return figure


def plain_ticks(axis, places):
    """Put ticks at ``places`` of a logarithmic axis, written as plain numbers."""
    axis.set_major_locator(FixedLocator(places))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(PLAIN)


def save(figure, path):
    """Save a picture: beside its place first, so that there is never half a file."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=150, metadata={"Software": None})
    plt.close(figure)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(data.getvalue())
    beside.replace(path)


def rows(groups):
    """Yield a dict for each number: what was measured, where, its median and quartiles."""
    for group in groups:
        rate = results.product_rate(group["entries"]) if group["measure"] != "memory" else None
        for entry in group["entries"]:
            row = {name: group.get(name, "") for name in results.KEY}
            row |= {"size": size_name(group), "backend": entry["backend"], "candidate": entry["candidate"]}
            if group["measure"] == "memory":
                row |= {"steps": entry["steps"], "size": "", "peak_MiB": entry.get("mebibytes", "")}
            elif results.timed(entry):
                low, middle, high = (1000 * s for s in results.quartiles(entry["seconds"]))
                row |= {"ms_lower_quartile": low, "ms_median": middle, "ms_upper_quartile": high}
                row |= {"rounds": sum(s is not None for s in entry["seconds"]), "compile_s": entry["compile"]}
                row |= {"share_of_product_rate": entry["flops"] / (middle / 1000) / rate}
            yield {name: results.round_off(value) for name, value in row.items()} | {"error": entry.get("error", "")}


def rows_as_csv(table):
    """Return rows as CSV text."""
    table = list(table)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in table for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def markdown(groups):
    """Return the groups' tables in Markdown: for each setting what is to be reached, then the times."""
    parts = []
    steps = [g for g in groups if g["measure"] == "steps"]
    for one in dict.fromkeys(map(setting, steps)):
        here = [g for g in steps if setting(g) == one]
        parts.append(f"### Ratios: {in_words(one)}\n\n{ratio_table(ratios(here))}")
        parts.append(f"### Times: {in_words(one)}\n\n{time_table(here)}")
    for group in groups:
        if group["measure"] == "memory":
            parts.append(f"### Peak memory, MiB\n\n{memory_table(group)}")
    return "\n".join(parts)


def ratio_table(found):
    """Return the ratios as a Markdown table."""
    head = ["cell and size", "backend", *(f"ours ÷ {other}" for other in OTHERS)]
    body = [
        [f"{cell} {size}", BACKENDS[backend], *(f"{values[o][1]:.2f}" if o in values else "–" for o in OTHERS)]
        for (cell, size, backend), values in found.items()
    ]
    return markdown_table(head, body)


def time_table(groups):
    """Return all candidates' times as a Markdown table."""
    head = ["cell and size", "backend", "candidate", "ms", "quartiles", "of the product rate", "compile, s"]
    body = [
        [
            f"{row['cell']} {row['size']}",
            BACKENDS[row["backend"]],
            row["candidate"],
            f"{row['ms_median']:.4g}" if "ms_median" in row else "–",
            f"{row['ms_lower_quartile']:.4g} to {row['ms_upper_quartile']:.4g}" if "ms_median" in row else row["error"],
            f"{row['share_of_product_rate']:.0%}" if "ms_median" in row else "–",
            f"{row['compile_s']:.2f}" if "ms_median" in row else "–",
        ]
        for row in rows(groups)
    ]
    return markdown_table(head, body)


def memory_table(group):
    """Return peak memory as a Markdown table, a row for each candidate, a column for each T."""
    lengths = sorted({e["steps"] for e in group["entries"]})
    found = {}
    for e in group["entries"]:
        value = f"{e['mebibytes']:.0f}" if "mebibytes" in e else e["error"]
        found.setdefault((e["backend"], e["candidate"]), {})[e["steps"]] = value
    body = [[BACKENDS[b], c, *(values.get(T, "–") for T in lengths)] for (b, c), values in found.items()]
    return markdown_table(["backend", "candidate", *(f"T = {T}" for T in lengths)], body)


def markdown_table(head, body):
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *body]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)
