"""One seed for every test, and no windows."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def no_figure_stays():
    """Close what a test has drawn."""
    yield
    plt.close("all")


@pytest.fixture(autouse=True)
def seed():
    """Seed Keras, and give the test a generator of its own."""
    import keras

    keras.utils.set_random_seed(1)
    return np.random.default_rng(1)
