"""The benchmark's harness: that it compares like with like, counts right, and keeps what it measured. No speeds."""

import json
import platform
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain

import numpy as np
import pytest
from matplotlib import pyplot as plt

from benchmarks import results, runner
from benchmarks.__main__ import main
from benchmarks.problem import CELLS, Problem, Product
from benchmarks.report import describe_ratios, plot_ratios, ratios, report
from benchmarks.runner import Setting, Worker, add_build, check_agreement, installed_backends, measure_steps

TINY = {"batch": 3, "steps": 4, "features": 5, "units": 6}


# --- what is computed


def test_flops_equal_a_count_of_every_product():
    B, T, D, H = 2, 3, 5, 7
    for cell, gates in {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}.items():
        G, count = gates * H, 0
        for rows, inner, columns in [
            (B, D, G),  # W_x x
            (B, H, G),  # W_h h
            (B, G, H),  # the gradient of h
            (D, B, G),  # the gradient of W_x
            (H, B, G),  # the gradient of W_h
        ]:
            count += T * rows * columns * inner * 2
        assert Problem(cell, B, T, D, H).flops == count
    assert Product(2, 3, 4, 5).flops == 5 * (2 * 3 * 4 * 2 + 2 * 4 * 3 * 2)


def test_recurrent_weights_neither_grow_nor_fade():
    recurrent = Problem("LSTM", **TINY).weights()[1]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(6), atol=1e-6)


@pytest.fixture(scope="module")
def workers():
    """A process for each installed backend; all three cells share it, because starting one takes seconds."""
    with ExitStack() as stack:
        yield {backend: stack.enter_context(Worker(backend, Setting())) for backend in installed_backends()}


@pytest.mark.parametrize("cell", CELLS)
def test_all_candidates_compute_the_same(workers, cell):
    problem = Problem(cell, **TINY)
    entries = {
        backend: [{"backend": backend, "candidate": name} for name in runner.CANDIDATES[backend]] for backend in workers
    }

    def build(backend):
        for entry in entries[backend]:
            add_build(entry, workers[backend], problem)

    with ThreadPoolExecutor() as pool:
        list(pool.map(build, workers))
    everyone = list(chain.from_iterable(entries.values()))
    check_agreement(everyone, 1e-4)
    assert [e for e in everyone if "error" in e] == []
    assert max(e["difference"] for e in everyone) < 1e-5  # 4 steps: float32 rounding alone


def test_a_worker_answers_errors_and_goes_on(workers):
    worker = next(iter(workers.values()))
    with pytest.raises(runner.WorkerError, match="KeyError"):
        worker.ask("time", "nobody", steps=1)
    assert worker.ask("build", "products", problem=Product(2, 3, 4, 1).as_dict())["first"] > 0


# --- how it is measured, with a stand-in for the processes


class FakeWorker:
    """Answers at once; a step takes 2 seconds on JAX, 1 elsewhere, and "jax.lax.scan" computes another gradient."""

    log = ()

    def __init__(self, backend, setting):
        self.backend = backend

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def ask(self, do, candidate, **arguments):
        if candidate == "keras.layers.RNN":
            raise runner.WorkerError("not today")
        self.log.append((do, self.backend, candidate))
        if do == "time":
            return {"seconds": 2.0 if self.backend == "jax" else 1.0}
        if "products" in candidate:
            return {"first": 3.0, "later": 1.0}
        return {"first": 3.0, "later": 1.0, "loss": 1.0, "gradient": [1.0, 2.1 if candidate == "jax.lax.scan" else 2.0]}


@pytest.fixture
def fake(monkeypatch, tmp_path):
    log = []
    monkeypatch.setattr(FakeWorker, "log", log)
    monkeypatch.setattr(runner, "Worker", FakeWorker)
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    monkeypatch.setattr("benchmarks.__main__.installed_backends", lambda: ["jax", "torch"])
    return log


def measured(rounds=4, **arguments):
    *_, entries = measure_steps(
        Problem("LSTM", **TINY), Setting(), ["jax", "torch"], rounds=rounds, say=lambda _: None, **arguments
    )
    return {(e["backend"], e["candidate"]): e for e in entries}


def test_each_candidate_is_timed_once_in_each_round(fake):
    measured(rounds=4)
    timings = [entry[1:] for entry in fake if entry[0] == "time"]
    rounds = [timings[i : i + len(timings) // 4] for i in range(0, len(timings), len(timings) // 4)]
    assert len(rounds) == 4 and len(set(rounds[0])) == len(rounds[0]) == 9
    assert all(set(one) == set(rounds[0]) for one in rounds)
    assert len(set(map(tuple, rounds))) > 1  # not always in the same order


def test_who_fails_or_computes_something_else_is_not_timed(fake):
    entries = measured()
    assert entries["jax", "keras.layers.RNN"]["error"] == "not today"
    assert "computes something else than jax: keras.layers" in entries["jax", "jax.lax.scan"]["error"]
    assert not any(do == "time" and name in ("jax.lax.scan", "keras.layers.RNN") for do, _, name in fake)
    assert entries["torch", "torch.nn"]["difference"] == 0


def test_a_gradient_that_is_not_a_number_is_turned_down():
    entries = [
        {"backend": "jax", "candidate": name, "loss": 1.0, "gradient": [1.0, number]}
        for name, number in {"ours": float("nan"), "keras.layers": 1.0}.items()
    ]
    check_agreement(entries, 1e-4)
    assert "error" in entries[0] and "error" not in entries[1]


def test_a_slow_candidate_is_timed_three_times(fake):
    entries = measured(rounds=6, budget=2.5)
    assert entries["torch", "ours"]["seconds"] == [1, 1, 1, None, None, None]
    assert results.median(entries["torch", "ours"]) == 1


def test_the_environment_of_each_setting(monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    monkeypatch.setenv("JAX_ENABLE_X64", "1")
    plain = Setting("all").environment("jax")
    assert plain["KERAS_BACKEND"] == "jax"
    assert not {"OMP_NUM_THREADS", "BENCHMARK_CORE", "MALLOC_ARENA_MAX", "JAX_ENABLE_X64"} & set(plain)
    pinned = Setting("one", "tuned", core=0).environment("torch")
    assert pinned["OMP_NUM_THREADS"] == "1" and pinned["MALLOC_MMAP_MAX_"] == "0"
    assert pinned.get("BENCHMARK_CORE") == ("0" if runner.can_pin() else None)


# --- what is kept


def test_results_are_kept_and_measured_again(fake, tmp_path):
    assert main(["--cells", "LSTM", "--sizes", "S", "--measure", "steps", "--rounds", "3", "--name", "here"]) == 0
    assert (
        main(["--cells", "LSTM", "GRU", "--sizes", "S", "--measure", "steps", "--rounds", "5", "--name", "here"]) == 0
    )
    groups = json.loads((tmp_path / "here.json").read_text())["groups"]
    assert [g["cell"] for g in groups] == ["LSTM", "GRU"]
    assert [len(g["entries"][0]["seconds"]) for g in groups] == [5, 5]
    assert "gradient" not in groups[0]["entries"][0]


def test_an_interrupted_run_keeps_its_rounds(fake, tmp_path, monkeypatch, capsys):
    add_timing = runner.add_timing

    def interrupted(entry, worker, turn, budget):
        if turn == 2 and entry["candidate"] == "torch.nn":
            raise KeyboardInterrupt
        add_timing(entry, worker, turn, budget)

    monkeypatch.setattr(runner, "add_timing", interrupted)
    assert main(["--cells", "LSTM", "--sizes", "S", "--measure", "steps", "--name", "here"]) == 1
    (group,) = json.loads((tmp_path / "here.json").read_text())["groups"]
    assert {len(e["seconds"]) for e in group["entries"] if results.timed(e)} == {2}
    assert "what was measured is kept" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [tmp_path / "here.json"]


def test_results_of_another_machine_are_left_alone(fake, tmp_path, capsys):
    text = '{"machine": {"cores": 1000}, "groups": []}'
    (tmp_path / "here.json").write_text(text)
    assert main(["--measure", "steps", "--name", "here"]) == 2
    assert "choose another --name" in capsys.readouterr().err
    assert (tmp_path / "here.json").read_text() == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cells", "Elman"], "argument --cells: invalid choice: 'Elman' (choose from '?SimpleRNN'?, '?LSTM'?, '?GRU"),
        (["--rounds", "0"], "argument --rounds: expected a positive whole number; received '0'"),
        (["--candidates", "us"], "argument --candidates: invalid choice: 'us'"),
        (["--fast"], "unrecognized arguments: --fast"),
    ],
)
def test_a_wrong_option_is_named(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert re.search(message.replace("(", r"\("), capsys.readouterr().err)


def test_the_machine_has_no_name():
    assert platform.node() not in results.machine().values()
    assert results.machine()["cores"] > 0


# --- what is drawn from it


def entry(backend, candidate, seconds, flops=8e9, **more):
    return {"backend": backend, "candidate": candidate, "flops": flops, "seconds": seconds, "compile": 1.5, **more}


def test_ratios_are_formed_round_by_round():
    # The whole machine is ten times slower in the second round: the ratio does not see it.
    ours, theirs = entry("jax", "ours", [1.0, 10.0, 1.0]), entry("jax", "keras.layers", [2.0, 20.0, None])
    assert results.ratio(ours, theirs) == [0.5, 0.5, 0.5]


def test_the_better_of_keras_with_and_without_jit_counts():
    entries = [
        entry("tensorflow", "ours", [3.0, 3.0]),
        entry("tensorflow", "keras.layers", [4.0, 4.0]),
        entry("tensorflow", "keras.layers, jit", [6.0, 6.0]),
        entry("torch", "torch.nn", [2.0, 2.0]),
        {"backend": "torch", "candidate": "ours", "error": "no"},
    ]
    found = {(backend, other): middle for backend, other, (_, middle, _) in results.comparisons(entries)}
    assert found == {("tensorflow", "keras.layers"): 0.75, ("tensorflow", "torch.nn"): 1.5}


def small_results():
    problem = Problem("LSTM", 32, 50, 32, 32)
    common = {"threads": "one", "malloc": "default", "device": "cpu", "date": "2026-01-01", "versions": {}}
    entries = [
        entry("jax", "ours", [1.0, 1.0, 4.0]),
        entry("jax", "keras.layers", [2.0, 2.0, 2.0]),
        entry("jax", "products of 1024 × 1024", [0.5, 0.5, 0.5]),
        entry("torch", "torch.nn", [4.0, 4.0, 4.0]),
        {"backend": "torch", "candidate": "ours", "flops": 8e9, "error": "it broke"},
    ]
    memory = [
        {"backend": "jax", "candidate": "ours", "steps": 100, "mebibytes": 21.4},
        {"backend": "jax", "candidate": "ours", "steps": 200, "mebibytes": 40.0},
        {"backend": "jax", "candidate": "keras.layers", "steps": 100, "error": "too big"},
    ]
    scan = [entry("jax", "loop", [1e-3, 2e-3, 3e-3]), entry("jax", "parallel", [4e-3, 4e-3, 4e-3])]
    minimal = Problem("MinGRU", 32, 100, 32, 64).as_dict()
    return {
        "machine": {"processor": "A processor", "cores": 2},
        "groups": [
            {"measure": "steps", **problem.as_dict(), **common, "entries": entries},
            {"measure": "scan", **minimal, **common, "entries": scan},
            {"measure": "memory", **problem.as_dict(), "steps": None, **common, "entries": memory},
        ],
    }


def test_the_report_of_a_small_file(tmp_path):
    path = tmp_path / "here.json"
    path.write_text(results.as_text(small_results()))
    files = report(path)
    assert all(file.stat().st_size > 0 for file in files)
    assert {file.suffix for file in files} == {".md", ".csv", ".png"} and len(files) == 5
    text = (tmp_path / "here.md").read_text()
    assert "| LSTM S | JAX | 0.50 | 0.25 |" in text
    assert "| LSTM S | JAX | ours | 1000 | 1000 to 2500 | 50% | 1.50 |" in text  # 8 GFLOP/s of the products' 16
    assert "it broke" in text and "| JAX | ours | 21 | 40 |" in text and "too big" in text
    assert "JAX, loop: 2 at T = 100; JAX, parallel: 4 at T = 100" in text
    for picture in re.findall(r"!\[(.+)\]\((.+)\)", text):
        assert len(picture[0]) > 60 and (tmp_path / picture[1]).read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob("*.part"))


def test_the_picture_and_its_description_tell_the_same():
    groups = small_results()["groups"][:1]
    figure, description = plot_ratios(groups)
    assert figure.get_size_inches()[0] <= 6
    axes = figure.axes[0]
    drawn = {line.get_label(): list(line.get_xdata()) for line in axes.lines if line.get_label().startswith("÷")}
    assert drawn == {"÷ keras.layers": [0.5], "÷ torch.nn": [0.25]}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["LSTM S, JAX"]
    assert description == describe_ratios(ratios(groups))
    assert "Of keras.layers: from 0.50 (LSTM S on JAX) to 0.50 (LSTM S on JAX); below 1 in 1 of 1." in description
    plt.close(figure)


def test_a_core_that_is_not_there(fake, capsys):
    if not runner.can_pin():
        pytest.skip("this system pins no process")
    assert main(["--core", "100000"]) == 2
    assert "--core must be one of" in capsys.readouterr().err


def test_no_results_no_report(fake, capsys):
    assert main(["--report", "--name", "nothing"]) == 2
    assert "measure first" in capsys.readouterr().err
