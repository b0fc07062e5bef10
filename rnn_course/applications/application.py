"""What all applications share: a trained model with its settings and results, saved in one file."""

import json
import os
import zipfile
from pathlib import Path

import keras
import numpy as np

import rnn_course.architectures  # noqa: F401  its classes must be known when a file is read

FORMAT = 1


class Application:
    """A trained model, with what is needed to use it and what is known of it.

    A subclass gives its ``name``, a key of `rnn_course.applications.APPLICATIONS`, and the methods that its users call.

    Parameters
    ----------
    model : keras.Model
        The trained model.
    results : dict, optional
        What was measured on data that the model had not been trained on: {what: number or words}.
    **settings
        What else is needed to use the model, such as its characters: anything that JSON can hold.

    Attributes
    ----------
    model : keras.Model
        The model.
    results : dict
        The results; {} if none were given.
    settings : dict
        The settings.
    """

    name = None

    def __init__(self, model, results=None, **settings):
        if not isinstance(model, keras.Model) or not model.built:
            raise TypeError(f"`model` must be a keras.Model that has been built; received {model!r}.")
        self.model, self.results, self.settings = model, dict(results or {}), settings

    def save(self, path):
        """Save the application in one file, for `rnn_course.load`.

        The file holds the model's configuration and weights, the settings and the results, but no optimizer: it is for
        use, and `rnn_course.training.fit` keeps checkpoints to train on. It is written beside and then renamed, so an
        interruption leaves the file that was there whole.

        Parameters
        ----------
        path : str or path
            The file, such as "my-translator.zip".
        """
        path = Path(path)
        model = for_use(keras.saving.serialize_keras_object(self.model))
        content = {"format": FORMAT, "application": self.name, "settings": self.settings, "results": self.results}
        beside = path.with_name(path.name + ".partial")
        try:
            with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as file:
                file.writestr("application.json", json.dumps(content | {"model": model}, indent=1))
                for number, weight in enumerate(self.model.get_weights()):
                    with file.open(f"weights/{number:03}.npy", "w") as entry:
                        np.lib.format.write_array(entry, np.asarray(weight), allow_pickle=False)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def restore(cls, content, weights):
        """Return the application that `read` has read."""
        model = keras.saving.deserialize_keras_object(content["model"], safe_mode=True)
        model.set_weights(weights)
        return cls(model, content["results"], **content["settings"])

    def __repr__(self):
        return f"<{type(self).__name__}: {self.model.count_params():,} weights; results: {self.results}>"


def for_use(configuration):
    """Return a model's configuration without how it, and the models inside it, were compiled."""
    if isinstance(configuration, dict):
        return {key: for_use(value) for key, value in configuration.items() if key != "compile_config"}
    return [*map(for_use, configuration)] if isinstance(configuration, (list, tuple)) else configuration


def read(path):
    """Return the content of a file that `Application.save` wrote, and the list of the model's weights.

    Raises
    ------
    ValueError
        If it is another file, or was made by a later version of this package.
    """
    try:
        with zipfile.ZipFile(path) as file:
            content = json.loads(file.read("application.json"))
            weights = [
                np.lib.format.read_array(file.open(name), allow_pickle=False)
                for name in sorted(file.namelist())
                if name.startswith("weights/")
            ]
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise ValueError(f"{path} is not a file that an application was saved in, or it is damaged: {error}") from None
    if not {"format", "application", "settings", "results", "model"} <= content.keys():
        raise ValueError(f"{path} is not a file that an application was saved in: it says nothing of its model.")
    if content["format"] != FORMAT:
        raise ValueError(
            f"{path} has format {content['format']!r}, and this version of rnn_course reads format {FORMAT}. "
            "Update rnn_course."
        )
    return content, weights


def text(name, value, characters=None, longest=None):
    """Return `value`, a string that is neither empty, too long, nor has unknown characters; or say what is wrong.

    Parameters
    ----------
    name : str
        The argument's name.
    value : str
        What the user gave.
    characters : container of str, optional
        The characters that the model knows, such as a `Vocabulary`.
    longest : int, optional
        How many characters there may be.
    """
    if not isinstance(value, str):
        raise TypeError(f"`{name}` must be a string; received {value!r}.")
    if not value.strip():
        raise ValueError(f"`{name}` must not be empty; received {value!r}.")
    if longest is not None and len(value) > longest:
        raise ValueError(f"`{name}` must have at most {longest} characters; received {len(value)}. Shorten it.")
    unknown = sorted({c for c in value if characters is not None and c not in characters})
    if unknown:
        raise ValueError(
            f"`{name}` has characters that the model does not know: {', '.join(map(repr, unknown))}. "
            "Replace or leave them out."
        )
    return value


def several(name, value):
    """Return a list of what the user gave: one string, or several.

    Parameters
    ----------
    name : str
        The argument's name.
    value : str, list, tuple or numpy.ndarray of str
        What the user gave.
    """
    if isinstance(value, str):
        return [value]
    if not isinstance(value, (list, tuple, np.ndarray)):
        raise TypeError(f"`{name}` must be a string or a list of strings; received {type(value).__name__}.")
    if not len(value):
        raise ValueError(f"`{name}` must not be empty; received no text.")
    return list(value)


def share_right(answers, references):
    """Return the share of answers that are right to the last character, 0 to 1."""
    return float(np.mean([answer == reference for answer, reference in zip(answers, references, strict=True)]))
