"""The examples of an epoch in batches, in an order that follows from the seed and the epoch alone."""

import math
import zlib

import keras
import numpy as np
from keras import tree


class Batches(keras.utils.PyDataset):
    """Arrays in batches, each of which can be read at any time: so training can go on wherever it was interrupted.

    Parameters
    ----------
    data : tuple
        (x,), (x, y) or (x, y, sample_weight); each an array, or a list or dict of arrays, with examples along the
        first axis.
    batch_size : int
        Examples in a batch; the last batch of an epoch may hold fewer.
    seed : int
        With the number of the epoch, it gives the order of the examples.
    shuffle : bool
        Whether to change the order from epoch to epoch.
    share : tuple of two ints
        Which part of each batch to read, of how many: a host of several reads its own.
    """

    def __init__(self, data, batch_size, seed=0, shuffle=False, share=(0, 1)):
        super().__init__()
        self.data, self.batch_size, self.seed, self.shuffle, self.share = data, batch_size, seed, shuffle, share
        self.examples = len(tree.flatten(data)[0])
        self.start(epoch=0)

    def start(self, epoch, batch=0):
        """Go to ``batch`` of ``epoch``: it is now the first one, and the epoch ends where it would have ended."""
        self.first = batch
        numbers = np.arange(self.examples)
        self.order = np.random.default_rng([self.seed, epoch]).permutation(numbers) if self.shuffle else numbers

    def __len__(self):
        return math.ceil(self.examples / self.batch_size) - self.first

    def __getitem__(self, index):
        start = (self.first + index) * self.batch_size
        numbers = self.order[start : start + self.batch_size]
        part, parts = self.share
        mine = slice(part * len(numbers) // parts, (part + 1) * len(numbers) // parts)
        return self.read(numbers[mine])

    def read(self, numbers):
        """Return the examples of these numbers."""
        return tree.map_structure(lambda a: a[numbers], self.data)

    def describe(self):
        """Return what tells these data from others: shapes, types and a checksum."""
        shapes = [f"{a.dtype}{list(a.shape)}" for a in tree.flatten(self.data)]
        return f"{', '.join(shapes)} with checksum {checksum(tree.flatten(self.data)):08x}"


class BatchesOf(Batches):
    """The batches of another `keras.utils.PyDataset`, which change places from epoch to epoch."""

    def __init__(self, dataset, seed=0, shuffle=False):
        keras.utils.PyDataset.__init__(self, dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self.data, self.batch_size, self.seed, self.shuffle, self.share = dataset, 1, seed, shuffle, (0, 1)
        self.examples = dataset.num_batches
        self.start(epoch=0)

    def read(self, numbers):
        return self.data[int(numbers[0])]

    def describe(self):
        return f"{type(self.data).__name__} of {self.examples} batches"


def checksum(arrays):
    """Checksum of the arrays' bytes; arrays of Python objects have none that lasts."""
    total = 0
    for a in arrays:
        total = total if a.dtype.hasobject else zlib.crc32(np.ascontiguousarray(a), total)
    return total


def batches_of(name, data, batch_size, replicas=1, **kwargs):
    """Return ``data``, the argument ``name`` of `fit`, as `Batches`, or say what is wrong with it."""
    if isinstance(data, keras.utils.PyDataset):
        return batches_of_dataset(name, data, batch_size, replicas, **kwargs)
    if not isinstance(data, tuple) or not 1 <= len(data) <= 3:
        raise TypeError(
            f"`{name}` must be a tuple of arrays, (x, y) or (x, y, sample_weight), or a keras.utils.PyDataset; "
            f"received {type(data).__name__}. A dataset that can only be read from its start cannot be taken up again "
            "in the middle: give it to `model.fit`, or read it into arrays."
        )
    data = tree.map_structure(as_array, tuple(with_tuples(part) for part in data if part is not None))
    lengths = {len(a) if a.ndim else None for a in tree.flatten(data)}
    if len(lengths) != 1 or not all(lengths):
        raise ValueError(
            f"The arrays of `{name}` must hold the same number of examples, at least one, along their first axis; "
            f"received shapes {[a.shape for a in tree.flatten(data)]}."
        )
    batches = Batches(data, 32 if batch_size is None else batch_size, **kwargs)
    if batches.batch_size % replicas or batches.examples % replicas:
        raise ValueError(
            f"With {replicas} devices, `batch_size` and the number of examples in `{name}` must divide by {replicas}, "
            f"so that each device has its equal share of every batch; received batch_size={batches.batch_size} and "
            f"{batches.examples} examples, {batches.examples % replicas} too many."
        )
    return batches


def batches_of_dataset(name, dataset, batch_size, replicas, share=(0, 1), **kwargs):
    if dataset.num_batches is None:
        raise ValueError(f"`{name}` must have an end: its `num_batches` is None.")
    if batch_size is not None and name == "data":
        raise ValueError(
            f"`batch_size` must be None, as the PyDataset makes the batches; received batch_size={batch_size}."
        )
    if replicas > 1:
        raise ValueError(f"With {replicas} devices, `{name}` must be arrays, which can be shared out equally.")
    return BatchesOf(dataset, **kwargs)


def with_tuples(part):
    """Return x, y or the weights with tuples for lists of arrays: TensorFlow would take a list for one array."""
    if isinstance(part, dict):
        return {name: with_tuples(inner) for name, inner in part.items()}
    return tuple(map(with_tuples, part)) if isinstance(part, (list, tuple)) else part


def as_array(a):
    """Return a NumPy array; floating-point numbers in Keras's floatx, as `model.fit` does."""
    a = keras.ops.convert_to_numpy(a) if keras.ops.is_tensor(a) else np.asarray(a)
    return a.astype(keras.config.floatx(), copy=False) if np.issubdtype(a.dtype, np.floating) else a
