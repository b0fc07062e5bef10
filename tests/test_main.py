"""The command line."""

import importlib.util
import sys
import types

import pytest

from rnn_course import devices
from rnn_course.__main__ import main


def test_devices_prints_what_a_bug_report_needs(capsys):
    assert main(["devices"]) == 0
    out = capsys.readouterr().out
    for name in ("rnn_course", "Python", "keras", "numpy", "tensorflow", "Keras backend", "CPU", "Memory", "Trains on"):
        assert any(line.startswith(name) for line in out.splitlines()), name


def test_the_report_does_not_fail_for_what_is_broken(monkeypatch):
    def broken():
        raise RuntimeError("no driver")

    monkeypatch.setattr(devices, "accelerators", broken)
    monkeypatch.setattr(devices, "PACKAGES", ("keras", "a-package-that-is-not-there"))
    facts = devices.report()
    assert facts["Trains on"] == "unknown (RuntimeError: no driver)"
    assert facts["a-package-that-is-not-there"] == "not installed"


def test_the_report_keeps_secrets(monkeypatch):
    monkeypatch.setenv("TF_VAR_password", "secret")
    monkeypatch.setenv("KERAS_HOME", "/keras")
    facts = devices.report()
    assert facts["KERAS_HOME"] == "/keras"
    assert "TF_VAR_password" not in facts


@pytest.mark.parametrize(
    ("found", "precision"),
    [
        ([], "float32"),
        ([{"kind": "GPU", "name": "T4", "capability": (7, 5)}], "mixed_float16"),
        ([{"kind": "GPU", "name": "A100", "capability": (8, 0)}], "mixed_bfloat16"),
        ([{"kind": "GPU", "name": "P100", "capability": (6, 0)}], "float32"),
        ([{"kind": "GPU", "name": "Apple GPU"}], "float32"),
        ([{"kind": "TPU", "name": "TPU v2"}], "mixed_bfloat16"),
    ],
)
def test_the_best_precision_of_a_device(found, precision, monkeypatch):
    monkeypatch.setattr(devices, "accelerators", lambda: found)
    assert devices.best_precision() == precision


def test_bench_passes_its_arguments_on(monkeypatch):
    seen = []
    module = types.ModuleType("benchmarks.__main__")
    module.main = lambda arguments: seen.append(arguments) or 0
    monkeypatch.setitem(sys.modules, "benchmarks", types.ModuleType("benchmarks"))
    sys.modules["benchmarks"].__spec__ = importlib.util.spec_from_loader("benchmarks", None)
    monkeypatch.setitem(sys.modules, "benchmarks.__main__", module)
    assert main(["bench", "--quick", "--cells", "LSTM"]) == 0
    assert seen == [["--quick", "--cells", "LSTM"]]


def test_bench_says_what_to_do_outside_the_checkout(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["bench"]) == 1
    assert "top folder" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["devices", "--nonsense"]])
def test_wrong_command_lines_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2
    assert "usage" in capsys.readouterr().err
