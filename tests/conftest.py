"""Set what has to be set before TensorFlow is imported, and one seed for every test."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("MPLBACKEND", "agg")

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def seed():
    import keras

    keras.utils.set_random_seed(1)
    return np.random.default_rng(1)
