"""Real reviews of films. The only data set of the course that is not part of it: it has to be downloaded."""

import json
import random

import numpy as np

from . import _check

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
#: The two files, and their SHA-256 and MD5 sums. These are what keras.datasets.imdb downloads.
_REVIEWS = ("imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f")
_WORDS = ("imdb_word_index.json", "bfafd718b763782e994055a2d397834f")


def imdb(split="train", count=None, longest=300, seed=0, folder=None):
    """Reviews from the Internet Movie Database: 25,000 to train on and 25,000 to test on, half of each praise.

    The first call downloads two files, 19 MB together, from the address that `keras.datasets.imdb` uses; later calls
    find them. Nothing else in this package downloads anything, and no chapter calls this unless you say so. The reviews
    were collected by Maas et al. (2011): there are at most 30 of a film, those to test on are of other films than those
    to train on, and lukewarm ones (5 or 6 stars of 10) were left out.

    Parameters
    ----------
    split : {"train", "test"}
        Which reviews.
    count : int, optional
        How many of them, drawn at random; all if left out.
    longest : int
        Of a longer review only the last words are kept, as many as this, for the verdict tends to stand at the end.
    seed : int
        Decides the order, and so which are drawn.
    folder : path, optional
        Where the files are kept, in its folder "datasets"; Keras's own folder, ~/.keras, if left out.

    Returns
    -------
    texts : list of str
        The reviews' words, lower case, without punctuation: `text.split()` gives the words.
    labels : numpy.ndarray
        Shape (N,), int64: 1 for praise (7 to 10 stars), 0 for a complaint (1 to 4 stars).

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit.
    ConnectionError
        If the files are not there and cannot be downloaded. It says where to put them by hand.

    References
    ----------
    A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng and C. Potts (2011), Learning word vectors for sentiment
    analysis. ACL.
    """
    _check.one_of("split", split, ("train", "test"))
    longest = _check.whole_number("longest", longest)
    seed = _check.whole_number("seed", seed, least=0)
    with open(_fetched(_WORDS, folder), encoding="utf-8") as file:
        words = {number: word for word, number in json.load(file).items()}
    with np.load(_fetched(_REVIEWS, folder), allow_pickle=True) as file:  # its sum has been compared
        reviews, labels = file[f"x_{split}"], file[f"y_{split}"]
    count = len(reviews) if count is None else _check.whole_number("count", count, most=len(reviews))
    drawn = random.Random(seed).sample(range(len(reviews)), count)
    texts = [" ".join(words[number] for number in reviews[i][-longest:]) for i in drawn]
    return texts, labels[drawn].astype(np.int64)


def _fetched(name_and_sum, folder):
    """The path of a file, which is downloaded unless it is there."""
    name, checksum = name_and_sum
    import keras

    try:
        return keras.utils.get_file(name, _ORIGIN + name, file_hash=checksum, cache_dir=folder)
    except Exception as error:  # get_file raises a bare Exception
        place = "~/.keras/datasets" if folder is None else f"{folder}/datasets"
        raise ConnectionError(
            f"{name} is not in {place}, or damaged there, and could not be downloaded: {error}. Connect this computer "
            f"to the internet and run the cell again; or download {_ORIGIN + name} elsewhere and put it into {place}."
        ) from None
