"""What is needed to go on with a training as if nothing had happened: take it, write it, read it, put it back."""

import json
import os
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
from keras import ops

FILE = "checkpoint.npz"


@dataclass
class Checkpoint:
    """The state of a training between two steps.

    Attributes
    ----------
    epoch, batch : int
        Epochs that are finished, and batches of the one after them.
    stopped : bool
        Whether a callback has ended the training.
    arrays : dict
        The values of all variables, as {"group/number": array}.
    history : dict
        What `keras.callbacks.History` has recorded.
    callbacks : list of dict
        What each callback has changed of itself.
    settings : dict
        What the training was started with.
    """

    epoch: int
    batch: int
    stopped: bool = False
    arrays: dict = field(default_factory=dict)
    history: dict = field(default_factory=dict)
    callbacks: list = field(default_factory=list)
    settings: dict = field(default_factory=dict)

    def write(self, folder):
        """Write the checkpoint beside the one before, then rename: a kill at any moment leaves one of them whole."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        facts, arrays = dict(vars(self)), dict(self.arrays)
        del facts["arrays"]

        def apart(value):  # what callbacks remember beside numbers and words
            if is_op(value):
                return {"op": value.__name__}
            arrays[name := f"fact/{len(arrays)}"] = value
            return {"array": name}

        text = json.dumps(facts, default=apart)
        with open(folder / (FILE + ".partial"), "wb") as file:
            np.savez(file, facts=np.array(text), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, folder / FILE)

    @classmethod
    def read(cls, folder):
        """Return the checkpoint in ``folder``, or None."""
        path = Path(folder) / FILE
        if not path.exists():
            return None
        try:
            with np.load(path) as file:
                arrays = dict(file)
        except (zipfile.BadZipFile, ValueError, EOFError) as error:
            raise ValueError(f"`checkpoints`: {path} is not a checkpoint, or is damaged. Delete it.") from error

        def put_back(found):
            if found.keys() == {"op"}:
                return getattr(ops, found["op"])
            return arrays.pop(found["array"]) if found.keys() == {"array"} else found

        return cls(**json.loads(str(arrays.pop("facts")), object_hook=put_back), arrays=arrays)


def is_finite(a):
    """Whether all numbers of an array are finite; what holds no floating-point numbers is."""
    return a is None or not np.issubdtype(a.dtype, np.floating) or bool(np.all(np.isfinite(a)))


def variables(model, within_epoch):
    """Return all variables that training changes, in groups; a model's include the states of its random generators."""
    groups = {"model": model.variables, "optimizer": model.optimizer.variables}
    return {**groups, "metrics": model.metrics_variables} if within_epoch else groups


def values(model, within_epoch):
    """Return the values of all variables, as {"group/number": array}."""
    return {
        f"{group}/{i}": as_storable(ops.convert_to_numpy(v))
        for group, vs in variables(model, within_epoch).items()
        for i, v in enumerate(vs)
    }


def as_storable(a):
    return a.astype("float32") if a.dtype.name == "bfloat16" else np.array(a)  # NumPy's files have no bfloat16


def set_values(model, arrays, within_epoch):
    """Give all variables the values that `values` returned."""
    for group, vs in variables(model, within_epoch).items():
        for i, v in enumerate(vs):
            v.assign(arrays[f"{group}/{i}"])


def own_state(callback):
    """Return what a callback remembers: public attributes that are numbers, words, arrays, lists of them, or ops."""
    return {
        name: list(value) if isinstance(value, list) else value
        for name, value in vars(callback).items()
        if not name.startswith("_") and name not in ("params", "model") and is_plain(value)
    }


def is_plain(value):
    if isinstance(value, list):
        return all(is_plain(v) for v in value)
    return value is None or isinstance(value, (bool, int, float, str, np.generic, np.ndarray)) or is_op(value)


def is_op(value):
    """Whether this is a function of `keras.ops`, such as the one by which EarlyStopping compares."""
    return callable(value) and getattr(ops, getattr(value, "__name__", ""), None) is value


def changes(before, after):
    """Return what of ``after`` is not as ``before``; a list may have changed in itself."""
    return {k: v for k, v in after.items() if isinstance(v, list) or k not in before or v is not before[k]}


def settings_of(model, batches, validation, **others):
    """Return all that must be the same for a checkpoint to be of use, as {what: its value}."""
    compiled = model.get_compile_config() or {}
    optimizer = compiled.pop("optimizer", None) or {}
    for name in ("jit_compile", "steps_per_execution", "run_eagerly"):  # these change the speed alone
        compiled.pop(name, None)
    return {
        "backend": keras.backend.backend(),
        "data": batches.describe(),
        "batch_size": batches.batch_size,
        "validation_data": validation and validation.describe(),
        "the model": fingerprint(config_of(model)),
        "the shapes of its weights": str([tuple(w.shape) for w in model.weights]),
        "the loss and metrics": fingerprint(compiled),
        "the optimizer": optimizer.get("class_name"),
        **{
            f"the optimizer's {name}": fingerprint(value)
            for name, value in optimizer.get("config", {}).items()
            if name != "name"
        },
        **others,
    }


def config_of(model):
    try:
        return model.get_config()
    except NotImplementedError:  # a model whose constructor takes arguments that Keras cannot know
        return {}


def fingerprint(config):
    """Return a short text that is the same for the same config, or the config itself where it is a number or a word.

    Keras numbers the names of layers on ("dense_1") and records with which shape a layer was built; neither matters.
    """
    if not isinstance(config, (dict, list)):
        return config
    text = json.dumps(without(config, ("build_config", "build_input_shape")), sort_keys=True, default=type_name)
    text = re.sub(r'_[0-9]+(?=")', "", text)
    return f"{zlib.crc32(text.encode()):08x}"


def without(config, names):
    if isinstance(config, dict):
        return {k: without(v, names) for k, v in config.items() if k not in names}
    return [without(v, names) for v in config] if isinstance(config, (list, tuple)) else config


def type_name(value):
    return type(value).__name__


def check_settings(saved, now, folder):
    """Raise a ValueError that names what differs between a checkpoint's settings and those of now."""
    differing = [name for name in {**saved, **now} if saved.get(name) != now.get(name)]
    if differing:
        changes = "; ".join(f"{name} (then {saved.get(name)}, now {now.get(name)})" for name in differing)
        raise ValueError(
            f"The checkpoint in `checkpoints` ({os.fspath(folder)!r}) is of another training. What differs: {changes}. "
            "Give another folder, or delete that one."
        )
