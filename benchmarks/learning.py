"""Learning a memory task until it is solved: the networks, and a training loop that is compiled once for all seeds.

Runs on JAX, where many updates are one compiled call. `benchmarks.tasks` sets that up before it imports this.
"""

import time

import jax
import keras
import numpy as np
from keras import ops

from benchmarks.tasks import BATCH, CHECK_EVERY, TEST_SEED, TEST_SIZE, UNITS, UPDATES
from rnn_course import cells, layers
from rnn_course.cell_base import project

CHUNK = 50  # updates in one compiled call
CLIP_NORM = 1.0


class AblatedLSTMCell(cells.LSTMCell):
    """An LSTM without one of its gates, as in Greff et al. (2017): the gate is 1 at every step.

    Parameters
    ----------
    units : int
        Number of hidden units, H.
    without : {"input gate", "forget gate", "output gate", "coupled gates"}
        What is missing. The last is the variant in which a cell takes in just as much as it forgets, i = 1 - f.
    **kwargs
        Those of `rnn_course.cells.LSTMCell`.
    """

    def __init__(self, units, without, **kwargs):
        super().__init__(units, **kwargs)
        self.without = without

    def step(self, x_part, states, weights):
        """One step forward. Its gradient comes by automatic differentiation."""
        (h, c), (W_h, b) = states, weights
        i, f, g, o = ops.split(x_part + project(h, W_h) + b, 4, axis=-1)
        i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
        one = ops.ones_like(f)
        match self.without:
            case "input gate":
                i = one
            case "forget gate":
                f = one
            case "output gate":
                o = one
            case "coupled gates":
                i = one - f
        c_new = f * c + i * self.activation(g)
        h_new = o * self.activation(c_new)
        return (h_new, c_new), ()


CELLS = {
    "SimpleRNN": lambda: cells.SimpleRNNCell(UNITS),
    "LSTM": lambda: cells.LSTMCell(UNITS),
    "GRU": lambda: cells.GRUCell(UNITS),
    "SimpleRNN, 64 units": lambda: cells.SimpleRNNCell(2 * UNITS),
    "LSTM, forget bias 0": lambda: cells.LSTMCell(UNITS, unit_forget_bias=False),
    "LSTM, forget bias 3": lambda: cells.LSTMCell(UNITS),
    "LSTM, peepholes": lambda: cells.PeepholeLSTMCell(UNITS),
    "LSTM, no input gate": lambda: AblatedLSTMCell(UNITS, "input gate"),
    "LSTM, no forget gate": lambda: AblatedLSTMCell(UNITS, "forget gate"),
    "LSTM, no output gate": lambda: AblatedLSTMCell(UNITS, "output gate"),
    "LSTM, coupled gates": lambda: AblatedLSTMCell(UNITS, "coupled gates"),
    "GRU, update bias 1": lambda: cells.GRUCell(UNITS),
}
FIRST_BIASES = {"LSTM, forget bias 3": (1, 3.0), "GRU, update bias 1": (0, 1.0)}  # block of the bias, and its value

LOSSES = {
    "squared error": lambda y, out: ops.mean(ops.square(y - out)),
    "one right answer": lambda y, out: ops.mean(keras.losses.sparse_categorical_crossentropy(y, out, from_logits=True)),
    "several right answers": lambda y, out: ops.mean(keras.losses.binary_crossentropy(y, out, from_logits=True)),
}


class Learner:
    """One network and its compiled training, for one task, cell and length, used for every seed and learning rate.

    Parameters
    ----------
    task : benchmarks.tasks.Task
        What to learn.
    cell : str
        A key of `CELLS`.
    steps : int
        How long the sequences are, T.
    """

    def __init__(self, task, cell, steps):
        self.task, self.steps = task, steps
        self.test_x, self.test_y = task.make(TEST_SIZE, steps, seed=TEST_SEED)
        self.cell = cell
        self.model = self.network()
        self.optimizer = keras.optimizers.Adam(global_clipnorm=CLIP_NORM)
        self.optimizer.build(self.model.trainable_variables)
        self.advance = jax.jit(lambda state, x, y: jax.lax.scan(self.update, state, (x, y)))
        self.predict = jax.jit(self.forward)

    def network(self):
        """Return the network with newly drawn weights."""
        cell, task = CELLS[self.cell](), self.task
        model = keras.Sequential(
            [
                keras.Input(self.test_x.shape[1:]),
                layers.RNN(cell, return_sequences=task.every_step),
                keras.layers.Dense(task.outputs),
            ]
        )
        if self.cell in FIRST_BIASES:
            block, value = FIRST_BIASES[self.cell]
            bias = ops.convert_to_numpy(cell.bias).copy()
            bias[..., block * UNITS : (block + 1) * UNITS] = value
            cell.bias.assign(bias)
        return model

    def start(self, seed, rate):
        """Return the state of a training that begins: fresh weights, and an optimizer that has not made a step."""
        keras.utils.set_random_seed(seed)
        weights = [v.value for v in self.network().trainable_variables]
        self.optimizer.learning_rate = rate
        return weights, [v.value for v in self.optimizer.variables]

    def forward(self, weights, x):
        rest = [v.value for v in self.model.non_trainable_variables]
        return self.model.stateless_call(weights, rest, x)[0]

    def update(self, state, batch):
        """One update of the weights by one batch."""
        weights, optimizer = state
        x, y = batch
        loss, gradients = jax.value_and_grad(lambda w: LOSSES[self.task.loss](y, self.forward(w, x)))(weights)
        return self.optimizer.stateless_apply(optimizer, gradients, weights), loss

    def learn(self, seed, rate):
        """Train until the task is solved, or `UPDATES` updates.

        Returns
        -------
        dict
            seed; solved; updates and sequences that it took; the test score at the end; seconds of processor time.
        """
        begin = time.process_time()
        state, updates, solved = self.start(seed, rate), 0, False
        while updates < UPDATES and not solved:
            # a seed of their own for the sequences of each seed and chunk, and none of them the test's
            x, y = self.task.make(CHUNK * BATCH, self.steps, seed=100_000 * (seed + 1) + updates)
            x, y = (a.reshape(CHUNK, BATCH, *a.shape[1:]) for a in (x, y))
            state, _ = self.advance(state, x, y)
            updates += CHUNK
            if updates % CHECK_EVERY == 0:
                score = self.task.score(self.test_y, np.asarray(self.predict(state[0], self.test_x)))
                solved = self.task.solved(score)
        return {
            "seed": seed,
            "solved": bool(solved),
            "updates": updates,
            "sequences": updates * BATCH,
            "score": round(float(score), 4),
            "seconds": round(time.process_time() - begin, 2),
        }

    @property
    def parameters(self):
        """How many weights the network has."""
        return self.model.count_params()
