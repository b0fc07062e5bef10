"""The network, as a model of this course's own LSTM."""

import math
import os
import platform
from datetime import date

import keras

from rnn_course import data, layers, training
from tools.book import ROOT
from tools.character_network.files import FOLDER, write_json
from tools.character_network.text import WINDOW, parts, windows

CHECKPOINTS = ROOT / "_build" / "character-network"
UNITS, BATCH, EPOCHS = 192, 8, 20


def train():
    """Train the network, and save it beside the one that is there before it takes its place."""
    learn, choose, _ = parts()
    alphabet = "".join(data.Vocabulary.of(learn).tokens[1:])  # without the padding
    examples = windows(learn, alphabet, stride=WINDOW // 2)
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((None, len(alphabet))),
            layers.LSTM(UNITS, return_sequences=True, dropout=0.1),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(len(alphabet)),
        ]
    )
    updates = EPOCHS * math.ceil(len(examples[0]) / BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, updates * 19 // 20, warmup_target=0.004, warmup_steps=updates // 20
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=0.05), loss)
    training.fit(
        model,
        examples,
        epochs=EPOCHS,
        batch_size=BATCH,
        clip_norm=1.0,
        validation_data=windows(choose, alphabet, stride=WINDOW),
        checkpoints=CHECKPOINTS,
        verbose=2,
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    beside = FOLDER / "beside.keras"
    trained = keras.models.clone_model(model)  # which is not compiled: the optimizer holds twice as much as the weights
    trained.set_weights(model.get_weights())
    trained.save(beside)
    os.replace(beside, FOLDER / "model.keras")
    about = {"alphabet": alphabet, "units": UNITS, "trained": date.today().isoformat()}
    write_json(about | {"python": platform.python_version()})


def load_model():
    return keras.saving.load_model(FOLDER / "model.keras", compile=False)
