"""All that is random, from one seed: what a step draws follows from the seed and the step alone."""

import keras
import numpy as np


def seed_layers(model, seed):
    """Start the random generators of the layers, which are variables of the model, from the seed."""
    weights = {id(w) for w in model.weights}
    states = [v for v in model.variables if id(v) not in weights and v.name == "seed_generator_state"]
    for number, state in enumerate(states):
        state.assign(np.array([np.random.default_rng([seed, number]).integers(2**31), 0]))


def seed_step(seed, epoch, batch):
    """Start PyTorch's own generator from the seed and the step: Keras draws dropout from it there."""
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(int(np.random.default_rng([seed, epoch, batch]).integers(2**31)))
