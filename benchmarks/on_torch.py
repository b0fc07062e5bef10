"""Training steps on PyTorch, and the layers of `torch.nn`."""

import numpy as np
import torch

from benchmarks.problem import RATE

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Training:
    """A function ``predict(x)`` of ``parameters`` in training, eagerly, as PyTorch runs by default."""

    def __init__(self, predict, parameters, weights, x, y):
        self.predict, self.weights = predict, weights
        self.x, self.y = torch.from_numpy(x).to(DEVICE), torch.from_numpy(y).to(DEVICE)
        self.optimizer = torch.optim.SGD(parameters, lr=RATE)

    def step(self):
        """Take, or on a GPU start, one training step."""
        self.optimizer.zero_grad()
        self.loss = torch.nn.functional.mse_loss(self.predict(self.x).float(), self.y)
        self.loss.backward()
        self.optimizer.step()

    def wait(self):
        """Return the loss, once all is computed: reading a number waits for everything that was started before."""
        return self.loss.item()


def keras_training(model, x, y):
    """Return the training of a Keras model."""
    parameters = [v.value for v in model.trainable_variables]
    return Training(lambda x: model(x, training=True), parameters, model.get_weights, x, y)


def torch_nn(problem):
    """Return the training of `torch.nn`'s own layer, which cuDNN runs on a GPU."""
    names = {"SimpleRNN": "RNN", "LSTM": "LSTM", "GRU": "GRU"}
    layer = getattr(torch.nn, names[problem.cell])(problem.features, problem.units, batch_first=True).to(DEVICE)
    head = torch.nn.Linear(problem.units, 1).to(DEVICE)
    kernel, recurrent, bias, W_y, b_y = problem.weights()
    bias_x, bias_h = bias if problem.cell == "GRU" else (bias, np.zeros_like(bias))
    pairs = [
        (layer.weight_ih_l0, _gates(kernel, problem).T),
        (layer.weight_hh_l0, _gates(recurrent, problem).T),
        (layer.bias_ih_l0, _gates(bias_x, problem)),
        (layer.bias_hh_l0, _gates(bias_h, problem)),
        (head.weight, W_y.T),
        (head.bias, b_y),
    ]
    with torch.no_grad():
        for parameter, value in pairs:
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    layer.flatten_parameters()

    def predict(x):
        with torch.autocast(DEVICE, torch.bfloat16, enabled=problem.precision == "bfloat16"):
            return head(layer(x)[0][:, -1])

    def weights():
        W_x, W_h, b_x, b_h, W_y, b_y = (p.detach().cpu().numpy().copy() for p, _ in pairs)
        b_x, b_h = _gates(b_x, problem), _gates(b_h, problem)
        b = np.stack([b_x, b_h]) if problem.cell == "GRU" else b_x
        return [_gates(W_x.T, problem), _gates(W_h.T, problem), b, W_y.T, b_y]

    return Training(predict, [p for p, _ in pairs], weights, *problem.data())


def _gates(columns, problem):
    """Take gates from Keras's order to PyTorch's, or back: a GRU's first two are the other way round."""
    if problem.cell != "GRU":
        return columns
    z, r, n = np.split(columns, 3, axis=-1)
    return np.concatenate([r, z, n], axis=-1)


class Products:
    """A chain of matrix products."""

    def __init__(self, product):
        dtype = getattr(torch, product.precision)
        self.a, self.b = (torch.from_numpy(factor).to(DEVICE, dtype) for factor in product.factors())
        self.times = product.times

    def step(self):
        """Start the products."""
        h = self.a
        for _ in range(self.times):
            h = (h @ self.b) @ self.b.T
        self.result = h

    def wait(self):
        """Wait for the result: reading a number waits for everything that was started before."""
        self.result[0, 0].item()


PLAIN = {"torch.nn": torch_nn}
