"""Table and picture of the memory tasks, made from the results file alone."""

import statistics

import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, NullLocator

from benchmarks import results
from benchmarks.report import PLAIN, markdown_table, rows_as_csv, save
from benchmarks.tasks import ABLATED_AT, ABLATIONS, CELLS, TASKS, Runs
from rnn_course.drawing import COLORS, use_style

STYLES = {"SimpleRNN": ("input", "o", ":"), "LSTM": ("hidden", "s", "-"), "GRU": ("output", "D", "--")}
SHIFT = {"SimpleRNN": 0.94, "LSTM": 1.0, "GRU": 1.06}  # to the side, so that curves do not hide each other


def report(path):
    """Write what belongs to a results file, beside it.

    Parameters
    ----------
    path : pathlib.Path
        The JSON file that ``python -m benchmarks.tasks`` made.

    Returns
    -------
    list of pathlib.Path
        ``NAME.md`` shows all, ``NAME.csv`` has every run, ``NAME.png`` is the picture.
    """
    kept = Runs(path)
    picture, table, text = (path.with_suffix(suffix) for suffix in (".png", ".csv", ".md"))
    figure, description = plot(kept)
    save(figure, picture)
    results.write(table, rows_as_csv(rows(kept)))
    parts = [
        "# How long they remember",
        f"![{description}]({picture.name})",
        "## Success by length",
        f"{success_table(kept)}",
        "## Ablations",
        f"{ablation_table(kept)}",
        "## Learning rates",
        rate_table(kept),
    ]
    results.write(text, "\n\n".join(part.strip() for part in parts) + "\n")
    return [text, table, picture]


def solved(runs):
    """Return how many of the runs solved their task."""
    return sum(run["solved"] for run in runs)


def in_words(runs):
    """Return a table's entry: how many solved it, and the median of the sequences that those needed."""
    if not runs:
        return "–"
    needed = [run["sequences"] for run in runs if run["solved"]]
    median = f" ({round(statistics.median(needed), -2):,.0f})" if needed else ""
    return f"{solved(runs)} of {len(runs)}{median}"


def success_table(kept):
    """Return the Markdown table of the three cells, a row for each task and length."""
    body = [
        [task, steps, *(in_words(kept.best_runs(task, cell, steps)) for cell in CELLS)]
        for task, what in TASKS.items()
        for steps in what.lengths
        if any(kept.best_runs(task, cell, steps) for cell in CELLS)
    ]
    return markdown_table(["task", "T", *CELLS], body)


def ablation_table(kept):
    """Return the Markdown table of the variants, a column for each task."""
    at = [(task, steps) for task, steps in ABLATED_AT if any(kept.best_runs(task, a, steps) for a in ABLATIONS)]
    body = [[cell, *(in_words(kept.best_runs(task, cell, steps)) for task, steps in at)] for cell in CELLS + ABLATIONS]
    return markdown_table(["network", *(f"{task}, T = {steps}" for task, steps in at)], body)


def rate_table(kept):
    """Return the Markdown table of the learning rates that were best."""
    body = [
        [task, steps, *(f"{kept.best_rate(task, cell, steps) or '–'}" for cell in CELLS)]
        for task, what in TASKS.items()
        for steps in what.lengths
        if any(kept.best_runs(task, cell, steps) for cell in CELLS)
    ]
    return markdown_table(["task", "T", *CELLS], body)


def plot(kept):
    """Draw the success rate against T, a panel for each task; return the figure and its description."""
    use_style()
    figure, panels = plt.subplots(2, 2, figsize=(6, 5), sharey=True)
    sentences = ["Four panels, one a task: the share of runs that solved it, against the length T."]
    for (task, what), axes in zip(TASKS.items(), panels.flat):
        ends = []
        for cell, (color, marker, dashes) in STYLES.items():
            points = [(T, kept.best_runs(task, cell, T)) for T in what.lengths]
            points = [(T, solved(runs) / len(runs)) for T, runs in points if runs]
            axes.plot(
                [T * SHIFT[cell] for T, _ in points],
                [share for _, share in points],
                color=COLORS[color],
                marker=marker,
                linestyle=dashes,
                markersize=6,
                label=cell,
                clip_on=False,
            )
            ends.append(f"{cell} " + ", ".join(f"{share:.0%} at {T}" for T, share in points))
        axes.set_title(task)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(what.lengths))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(PLAIN)
        axes.set_xlim(what.lengths[0] / 1.25, what.lengths[-1] * 1.25)
        axes.set_ylim(-0.04, 1.04)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.grid(axis="y", linewidth=0.5, alpha=0.4, linestyle="-")
        sentences.append(f"{task.capitalize()}: {'; '.join(ends)}.")
    for axes in panels[:, 0]:
        axes.set_ylabel("runs that solve it")
    for axes in panels[1]:
        axes.set_xlabel("steps $T$")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure, " ".join(sentences)


def rows(kept):
    """Yield a dict for each run."""
    for group in kept.content["groups"]:
        for run in group["runs"]:
            names = ("task", "cell", "steps", "rate", "parameters")
            yield {name: group[name] for name in names} | run
