"""One seed for every test, and no windows."""

import matplotlib
import numpy as np
import pytest

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def seed():
    """Seed Keras, and give the test a generator of its own."""
    import keras

    keras.utils.set_random_seed(1)
    return np.random.default_rng(1)
