"""Training: the same every time, whatever happens on the way."""

import builtins
import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from rnn_course import training
from rnn_course.training.batches import Batches
from rnn_course.training.checkpoints import FILE, Checkpoint
from rnn_course.training.distribution import keras_version
from rnn_course.training.options import QUIET
from tests import training_script
from tests.training_script import data, make_model

BACKEND = keras.backend.backend()
SCRIPT = Path(__file__).with_name("training_script.py")
# XLA needs seconds for each model on TensorFlow; the tests in processes of their own are with jit.
JIT = BACKEND == "jax"
train = partial(training_script.train, jit_compile=JIT)
fit = partial(training.fit, jit_compile=JIT)
# Keras runs one step at a time with PyTorch; Keras 3.6 drops the last steps of an epoch that do not fill an execution.
SEVERAL_STEPS = BACKEND != "torch" and keras_version() > (3, 6)
ON_ONE_DEVICE = pytest.mark.skipif(BACKEND == "torch", reason="Keras trains on one device with PyTorch")


def assert_same(a, b):
    """Equal to the last bit."""
    assert len(a) == len(b)
    for p, q in zip(a, b):
        np.testing.assert_array_equal(p, q)


def assert_close(a, b):
    # The sums of float32 numbers are taken in another order: 1e-5 is about 100 roundings of numbers near 1.
    assert len(a) == len(b)
    for p, q in zip(a, b):
        np.testing.assert_allclose(p, q, atol=1e-5)


def run_script(*arguments, environment=()):
    """Start a function of `training_script` in a process of its own."""
    root = Path(__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root), **dict(environment)}
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def finish(process, returncode=0):
    _, errors = process.communicate(timeout=300)
    assert process.returncode == returncode, errors[-3000:]


def arrays(path):
    with np.load(path) as file:
        return [file[name] for name in file]


class Interrupt(keras.callbacks.Callback):
    """Interrupt the training after a number of batches, as a learner's Ctrl-C does."""

    def __init__(self, after):
        super().__init__()
        self.after = after

    def on_train_begin(self, logs=None):
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        if self.batches == self.after:
            raise KeyboardInterrupt


def interrupted(folder, after, others=list, **kwargs):
    """Train in two parts, the second with a model of other first weights, and return what `train` returns."""
    kwargs = {"checkpoints": folder, "save_every": 0, **kwargs}
    with pytest.raises(KeyboardInterrupt):
        train(make_model(dropout=0.2), callbacks=[*others(), Interrupt(after)], **kwargs)
    return train(make_model(seed=99, dropout=0.2), callbacks=[*others(), Interrupt(None)], **kwargs)


# The same every time


def test_one_seed_gives_the_same_weights_and_history():
    first, again = (train(make_model(dropout=0.2), seed=3) for _ in range(2))
    assert_same(first, again)
    other = train(make_model(dropout=0.2), seed=4)
    assert any(np.any(p != q) for p, q in zip(first, other))


def test_in_order_it_is_model_fit():
    x, y = data()
    ours, theirs = make_model(), make_model()
    theirs.jit_compile = JIT
    fit(ours, (x, y), epochs=2, batch_size=16, shuffle=False)
    theirs.fit(x, y, epochs=2, batch_size=16, shuffle=False, verbose=0)
    assert_close(ours.get_weights(), theirs.get_weights())


def test_sample_weights_and_several_inputs():
    x, y = data()
    inputs = {"a": keras.Input((5, 3), name="a"), "b": keras.Input((5, 3), name="b")}
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs["a"][:, 0] - inputs["b"][:, 1]))
    model.compile("sgd", "mse")
    before = model.get_weights()
    fit(model, ({"a": x, "b": x}, y, np.zeros(len(x))), batch_size=16)
    assert_same(before, model.get_weights())  # examples of weight 0 teach nothing
    fit(model, ({"a": x, "b": x}, y, np.ones(len(x))), batch_size=16)
    assert np.any(before[0] != model.get_weights()[0])


def test_a_list_of_inputs_is_two_inputs():
    x, y = data()
    first, second = keras.Input((5, 3)), keras.Input((5, 3))
    model = keras.Model([first, second], keras.layers.Dense(1)(first[:, 0] - second[:, 1]))
    model.compile("sgd", "mse")
    before = model.get_weights()
    fit(model, ([x, x + 1], y), batch_size=16)
    assert np.any(before[0] != model.get_weights()[0])


def test_every_epoch_has_every_example_once_in_an_order_of_its_own():
    batches = Batches((np.arange(23),), 5, seed=1, shuffle=True)
    orders = []
    for epoch in range(3):
        batches.start(epoch)
        parts = numbers_in(batches)
        assert [len(part) for part in parts] == [5, 5, 5, 5, 3]
        orders.append(np.concatenate(parts))
        assert_same([np.sort(orders[-1])], [np.arange(23)])
    assert all(np.any(orders[i] != orders[i - 1]) for i in range(3))
    batches.start(2, batch=3)
    assert_same([np.concatenate(numbers_in(batches))], [orders[2][15:]])


def numbers_in(batches):
    return [batches[index][0] for index in range(len(batches))]


# On after an interruption


def test_killed_twice_and_resumed(tmp_path):
    """One process is killed within an epoch, the next while it writes a checkpoint; the third ends the training."""
    folder, resumed, whole = (tmp_path / name for name in ("checkpoints", "resumed.npz", "whole.npz"))
    undisturbed = run_script("whole", 1, whole)
    finish(run_script("resume", folder, 1, 10, 0, resumed), returncode=-9)
    at_first_kill = Checkpoint.read(folder)
    assert (at_first_kill.epoch, at_first_kill.batch) == (1, 2)
    finish(run_script("resume", folder, 2, 0, 3, resumed), returncode=-9)
    at_second_kill = Checkpoint.read(folder)
    assert (at_second_kill.epoch, at_second_kill.batch) == (1, 4)
    assert len(list(folder.iterdir())) == 2  # the whole checkpoint, and the one that was not ready
    finish(run_script("resume", folder, 3, 0, 0, resumed))
    finish(undisturbed)
    assert_same(arrays(resumed), arrays(whole))


@pytest.fixture(scope="module")
def whole():
    """The weights and the history of a training that nothing interrupts."""
    return train(make_model(dropout=0.2), callbacks=[Interrupt(None)])


@pytest.mark.parametrize("after", [1, 7, 8, 20])
def test_interrupted_anywhere(after, whole, tmp_path):
    assert_same(interrupted(tmp_path, after), whole)


def callbacks_that_remember():
    return [
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10.0),
        keras.callbacks.EarlyStopping("val_loss", patience=2, min_delta=10.0, restore_best_weights=True),
    ]


@pytest.fixture(scope="module")
def whole_with_callbacks():
    """As `whole`, with callbacks that remember."""
    return train(make_model(dropout=0.2), callbacks=[*callbacks_that_remember(), Interrupt(None)], epochs=5)


@pytest.mark.parametrize("after", [8, 15, 21])
def test_callbacks_remember_over_an_interruption(after, whole_with_callbacks, tmp_path):
    kwargs = {"others": callbacks_that_remember, "epochs": 5}
    assert whole_with_callbacks[-1].shape[1] == 3  # early stopping, after two epochs without a gain of 10
    assert_same(interrupted(tmp_path, after, **kwargs), whole_with_callbacks)


def test_moving_averages_of_the_weights_are_taken_at_the_very_end(tmp_path):
    def averaging(seed=1):
        model = make_model(seed)
        model.compile(keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9), "mse", metrics=["mae"])
        return model

    kwargs = {"checkpoints": tmp_path, "save_every": 0}
    with pytest.raises(KeyboardInterrupt):
        train(averaging(), callbacks=[Interrupt(10)], **kwargs)
    resumed = train(averaging(seed=2), callbacks=[Interrupt(None)], **kwargs)
    assert_same(resumed, train(averaging(), callbacks=[Interrupt(None)]))


def test_several_steps_at_once_can_be_interrupted(tmp_path, monkeypatch):
    if not SEVERAL_STEPS:
        pytest.skip("one step at a time")
    whole = train(make_model(dropout=0.2), callbacks=[Interrupt(None)], steps_per_execution=3)
    assert_same(interrupted(tmp_path, 5, steps_per_execution=3), whole)


def test_what_has_ended_is_there_at_once_and_can_go_on(tmp_path, monkeypatch):
    kwargs = {"checkpoints": tmp_path, "epochs": 2}
    ended = train(make_model(dropout=0.2), **kwargs)
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "fit", None)  # nothing is trained
        model = make_model(seed=5, dropout=0.2)
        patch.setattr(type(model), "fit", None)
        assert_same(train(model, **kwargs), ended)
    longer = train(make_model(seed=5, dropout=0.2), **(kwargs | {"epochs": 3}))
    assert_same(longer, train(make_model(dropout=0.2), epochs=3))


def test_the_same_model_can_go_on_after_an_interruption(whole, tmp_path):
    kwargs = {"checkpoints": tmp_path, "save_every": 0}
    model = make_model(dropout=0.2)
    with pytest.raises(KeyboardInterrupt):
        train(model, callbacks=[Interrupt(10)], **kwargs)
    assert_same(train(model, callbacks=[Interrupt(None)], **kwargs), whole)


class Squares(keras.utils.PyDataset):
    def __len__(self):
        return 7

    def __getitem__(self, index):
        x = np.full((4, 5, 3), index / 7, "float32")
        return x, x[:, 0, :1] ** 2


def test_a_dataset_of_batches(tmp_path):
    def of_squares(model, **kwargs):
        fit(model, Squares(), epochs=3, **kwargs)
        return model.get_weights()

    whole = of_squares(make_model(dropout=0.2), callbacks=[Interrupt(None)])
    kwargs = {"checkpoints": tmp_path, "save_every": 0}
    with pytest.raises(KeyboardInterrupt):
        of_squares(make_model(dropout=0.2), callbacks=[Interrupt(10)], **kwargs)
    assert_same(of_squares(make_model(seed=2, dropout=0.2), callbacks=[Interrupt(None)], **kwargs), whole)


def other_rate():
    model = make_model()
    model.compile(keras.optimizers.Adam(0.02, epsilon=1e-3), "mse", metrics=["mae"])
    return model


def other_loss():
    model = make_model()
    model.compile(keras.optimizers.Adam(0.01, epsilon=1e-3), "mae", metrics=["mae"])
    return model


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The folder of a training of two epochs that has ended."""
    folder = tmp_path_factory.mktemp("checkpoint")
    train(make_model(), checkpoints=folder, epochs=2)
    return folder


@pytest.mark.parametrize(
    ("what", "model", "kwargs"),
    [
        ("batch_size", make_model, {"batch_size": 16}),
        ("seed", make_model, {"seed": 1}),
        ("clip_norm", make_model, {"clip_norm": 1.0}),
        ("shuffle", make_model, {"shuffle": False}),
        ("validation_data", make_model, {"validation_data": None}),
        ("callbacks", make_model, {"callbacks": [Interrupt(None)]}),
        ("the model", lambda: make_model(dropout=0.1), {}),
        ("the optimizer's learning_rate", other_rate, {}),
        ("the loss and metrics", other_loss, {}),
        ("`epochs`", make_model, {"epochs": 1}),
    ],
)
def test_the_checkpoint_of_another_training_is_refused(what, model, kwargs, checkpoint):
    with pytest.raises(ValueError, match=what):
        train(model(), checkpoints=checkpoint, **({"epochs": 2} | kwargs))


def test_other_data_are_refused_and_a_damaged_checkpoint_too(tmp_path):
    x, y = data()
    fit(make_model(), (x, y), checkpoints=tmp_path)
    with pytest.raises(ValueError, match="differs: data"):
        fit(make_model(), (x + 1, y), checkpoints=tmp_path)
    with open(tmp_path / FILE, "r+b") as file:
        file.truncate(100)
    with pytest.raises(ValueError, match="damaged"):
        fit(make_model(), (x, y), checkpoints=tmp_path)


# It stops where the loss is no number


@pytest.mark.parametrize("steps", [1, 4])
def test_it_stops_at_the_step_that_has_a_nan(steps):
    if steps > 1 and not SEVERAL_STEPS:
        pytest.skip("one step at a time")
    x, y = data()
    x[3 * 8 + 5, 2, 1] = np.nan  # in the fourth batch of eight
    model, before = make_model(), make_model()
    with pytest.raises(FloatingPointError, match=r"step 4 of epoch 1.*The inputs of that batch hold NaN"):
        training.fit(model, (x, y), batch_size=8, shuffle=False, steps_per_execution=steps)
    before.fit(x[: 3 * 8], y[: 3 * 8], batch_size=8, shuffle=False, verbose=0)
    assert_close(model.get_weights(), before.get_weights())


def test_it_says_what_helps_against_divergence():
    x, y = data()
    model = keras.Sequential([keras.Input((5, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1e6), "mse")
    with pytest.raises(
        FloatingPointError, match=r"data of that batch are finite.*lower learning rate .it is 1e.06.*clip_norm"
    ):
        fit(model, (x, y), epochs=20)
    assert all(np.all(np.isfinite(w)) for w in model.get_weights())


def test_a_checkpoint_never_holds_a_nan(tmp_path):
    x, y = data()
    x[30] = np.nan
    with pytest.raises(FloatingPointError):
        fit(make_model(), (x, y), batch_size=8, checkpoints=tmp_path, save_every=0)
    assert all(np.all(np.isfinite(a)) for a in Checkpoint.read(tmp_path).arrays.values())


def test_the_gradient_is_clipped():
    x, y = data()
    model = make_model()
    model.compile(keras.optimizers.SGD(1.0), "mse")
    before = model.get_weights()
    fit(model, (x, y * 1000), batch_size=len(x), clip_norm=0.5)
    change = np.sqrt(sum(np.sum((p - q) ** 2) for p, q in zip(before, model.get_weights())))
    np.testing.assert_allclose(change, 0.5, rtol=1e-4)  # float32 differences of numbers near 1


# How it is compiled, and what it says


def test_jit_is_on_wherever_it_can_be():
    model = make_model()
    train(model, epochs=1, jit_compile="auto")
    assert model.jit_compile == (BACKEND != "torch")
    train(model, epochs=1, jit_compile=False)
    assert model.jit_compile is False


@pytest.mark.filterwarnings("error:Model doesn't support:UserWarning")
def test_layers_that_cannot_be_compiled_are_not():
    class Uncompiled(keras.layers.Dense):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.supports_jit = False

    model = keras.Sequential([keras.Input((5, 3)), keras.layers.Flatten(), Uncompiled(1)])
    model.compile("sgd", "mse", jit_compile=False)
    training.fit(model, data())
    assert model.jit_compile is False


def test_the_optimizer_keeps_its_state_from_fit_to_fit():
    model = make_model()
    train(model, epochs=1)
    train(model, epochs=1, clip_norm=1.0)  # compiled anew
    assert int(ops.convert_to_numpy(model.optimizer.iterations)) == 2 * 7


def test_the_line_it_prints(capsys, monkeypatch, tmp_path):
    train(make_model(), epochs=1, verbose=2, checkpoints=tmp_path, jit_compile="auto")
    name = {"tensorflow": "TensorFlow, jit", "jax": "JAX, jit", "torch": "PyTorch"}[BACKEND]
    assert f"({name}, float32)." in capsys.readouterr().out.splitlines()[0]
    train(make_model(), epochs=1, verbose=2, checkpoints=tmp_path)
    assert "It had ended" in capsys.readouterr().out


def test_it_is_quiet_where_nobody_watches(capsys, monkeypatch):
    monkeypatch.delenv(QUIET, raising=False)
    monkeypatch.delattr(builtins, "__IPYTHON__", raising=False)  # other tests in this process may have set it
    model = make_model()
    train(model, epochs=1, verbose="auto")
    assert capsys.readouterr().out == ""  # pytest's output is no terminal
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    train(model, epochs=1, verbose="auto")
    assert "Training on" in capsys.readouterr().out
    monkeypatch.setenv(QUIET, "1")
    train(model, epochs=1, verbose="auto")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(policy, tmp_path):
    before = keras.config.dtype_policy()
    try:
        assert training.set_precision(policy) == policy
        kwargs = {"checkpoints": tmp_path, "epochs": 2}
        ended = train(make_model(dropout=0.2), **kwargs)
        assert all(w.dtype == "float32" and np.all(np.isfinite(w)) for w in ended[:-1])
        assert_same(train(make_model(seed=2, dropout=0.2), **kwargs), ended)
    finally:
        keras.config.set_dtype_policy(before)


@pytest.mark.parametrize(
    ("name", "error", "kwargs"),
    [
        ("epochs", ValueError, {"epochs": 0}),
        ("batch_size", ValueError, {"batch_size": 2.5}),
        ("seed", ValueError, {"seed": -1}),
        ("steps_per_execution", ValueError, {"steps_per_execution": 0}),
        ("clip_norm", ValueError, {"clip_norm": -1.0}),
        ("save_every", ValueError, {"save_every": -1}),
        ("verbose", ValueError, {"verbose": "loud"}),
        ("callbacks", TypeError, {"callbacks": keras.callbacks.TerminateOnNaN()}),
        ("validation_data", TypeError, {"validation_data": iter(())}),
        ("validation_data", ValueError, {"validation_data": (np.zeros((4, 5, 3)), np.zeros((3, 1)))}),
    ],
)
def test_errors_name_the_argument(name, error, kwargs):
    with pytest.raises(error, match=f"`{name}`"):
        train(make_model(), **kwargs)


def test_errors_name_the_model_and_the_data():
    with pytest.raises(TypeError, match="`model`"):
        training.fit("model", data())
    with pytest.raises(ValueError, match="must be compiled"):
        training.fit(keras.Sequential([keras.layers.Dense(1)]), data())
    with pytest.raises(TypeError, match=r"`data`.*generator"):
        training.fit(make_model(), (batch for batch in [data()]))
    with pytest.raises(ValueError, match="`batch_size`"):
        training.fit(make_model(), Squares(), batch_size=3)
    model = make_model()
    model.compile(keras.optimizers.SGD(clipnorm=1.0), "mse")
    with pytest.raises(ValueError, match="`clip_norm`"):
        training.fit(model, data(), clip_norm=1.0)


# Several devices


def test_several_devices_need_a_backend_that_can():
    if BACKEND == "torch":
        with pytest.raises(ValueError, match="torch"):
            training.all_devices()
    if BACKEND == "tensorflow" and keras_version() < (3, 8):
        with pytest.raises(ValueError, match=r"3\.8"):
            training.all_devices()


@ON_ONE_DEVICE
@pytest.mark.skipif(
    BACKEND == "tensorflow" and keras_version() < (3, 8), reason="Keras adds the gradients up, and we refuse"
)
def test_four_devices_train_as_one(tmp_path):
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    finish(run_script("devices", 4, tmp_path / "weights.npz", environment=flags))
    both = arrays(tmp_path / "weights.npz")
    assert_close(both[: len(both) // 2], both[len(both) // 2 :])


@pytest.mark.skipif(BACKEND != "jax", reason="several hosts are for JAX")
def test_two_hosts_train_as_one(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    hosts = [run_script("host", number, port, tmp_path / f"{number}.npz") for number in range(2)]
    for process in hosts:
        finish(process)
    one = train(make_model(dropout=0.2), clip_norm=0.1)
    for number in range(2):
        assert_close(arrays(tmp_path / f"{number}.npz"), one)
