"""The critic: padding changes nothing, influences are those of its own answers, and mistakes are named."""

from collections import Counter
from itertools import pairwise

import keras
import numpy as np
import pytest

import rnn_course
from rnn_course import architectures, data, influence, layers
from rnn_course.applications import TRAINED, sentiment
from tests.reference import numpy

TEXTS = ["Not a bad film.", "a good film , not a bad one", "bad , bad film", "it isn't good"]
KNOWN = sentiment.vocabulary(TEXTS)


def critic(longest=20):
    """An untrained one, with logits that are not all near zero."""
    keras.utils.set_random_seed(0)
    embedding = keras.layers.Embedding(len(KNOWN), 5, mask_zero=True, embeddings_initializer="normal")
    model = architectures.sequence_to_vector(embedding, layers.GRU(6), keras.layers.Dense(1))
    model.build((None, None))
    model.set_weights([3 * weight for weight in model.get_weights()])
    return sentiment.Critic(model, {"accuracy": 0.5}, tokens=KNOWN.tokens, longest=longest)


def test_words_are_taken_apart():
    assert sentiment.words("It ISN'T bad--really, 10/10!") == "it isn't bad - - really , 10 / 10 !".split()
    grammar = data.reviews(200, seed=0)[0]
    assert [sentiment.words(text) for text in grammar] == [text.split() for text in grammar]


def test_the_vocabulary_keeps_the_most_frequent_words():
    assert set(KNOWN.tokens) == {"", sentiment.UNKNOWN, *"not a bad film . , good one it isn't".split()}
    assert set(sentiment.vocabulary(TEXTS, most=1).tokens[1:]) == {sentiment.UNKNOWN, "bad"}


def test_reviews_are_encoded_and_padded_at_either_side():
    end = sentiment.encoded(["a bad thing", "not"], KNOWN, 5)
    front = sentiment.encoded(["a bad thing", "not"], KNOWN, 5, side="front")
    assert KNOWN.decode(end) == KNOWN.decode(front) == [f"a bad {sentiment.UNKNOWN}", "not"]
    assert (end > 0).tolist() == [[True] * 3 + [False] * 2, [True] + [False] * 4]
    assert (front > 0).tolist() == [[False] * 2 + [True] * 3, [False] * 4 + [True]]


def test_a_share_of_the_words_is_blotted_out_and_no_padding():
    numbers = sentiment.encoded(TEXTS * 200, KNOWN, 12)
    blotted = sentiment.with_unknown(numbers, KNOWN, 0.3, seed=1)
    changed = blotted != numbers
    assert (blotted[changed] == KNOWN.encode(sentiment.UNKNOWN)[0]).all() and not changed[numbers == 0].any()
    assert abs(changed[numbers > 0].mean() - 0.3) < 0.03
    assert (sentiment.with_unknown(numbers, KNOWN, 0.3, seed=1) == blotted).all()


def pair_embedding(numbers, pairs, **options):
    """One adapted to ``numbers``, with vectors that are not zero, and what it holds: of words, and of pairs by name."""
    embedding = sentiment.PairEmbedding(9, 3, pairs, **options)
    embedding.adapt(numbers)
    generator = np.random.default_rng(0)
    for weights in embedding.trainable_variables:
        weights.assign(generator.normal(size=weights.shape))
    known, of_pairs = numpy(embedding.known).tolist(), numpy(embedding.pair_vectors)
    by_name = {divmod(pair, 9): vector for pair, vector in zip(known, of_pairs, strict=True) if pair < 81}
    return embedding, numpy(embedding.embeddings), by_name


def test_a_pair_embedding_adds_the_vector_of_the_pair():
    seen = [[2, 3, 4, 0], [2, 3, 1, 4], [3, 4, 4, 2]]  # 2 3 and 3 4 twice each; pairs with the unknown, 1, do not count
    embedding, words, pairs = pair_embedding(seen, 2)
    assert set(pairs) == {(2, 3), (3, 4)}
    numbers = np.random.default_rng(1).integers(0, 9, (50, 12))
    expected = words[numbers]
    for row, step in np.ndindex(50, 11):
        expected[row, step + 1] += pairs.get(tuple(numbers[row, step : step + 2].tolist()), 0)
    np.testing.assert_allclose(numpy(embedding(numbers)), expected, atol=1e-6)
    assert (numpy(embedding.compute_mask(numbers)) == (numbers != 0)).all()


@pytest.mark.parametrize("pairs", [1, 2, 3, 7, 8, 30])
def test_any_number_of_pairs_is_found_again(pairs):
    numbers = np.random.default_rng(pairs).integers(2, 9, (20, 10))
    embedding, words, vectors = pair_embedding(numbers, pairs)
    for (before, after), vector in vectors.items():
        found = numpy(embedding(np.array([[before, after]])))[0, 1]
        np.testing.assert_allclose(found, words[after] + vector, atol=1e-6)
    counts = Counter((a, b) for row in numbers.tolist() for a, b in pairwise(row))
    assert sorted(counts[pair] for pair in vectors) == sorted(counts.values())[-pairs:]


def test_a_new_pair_embedding_is_one_of_words():
    embedding = sentiment.PairEmbedding(9, 3, pairs=5)
    numbers = np.random.default_rng(0).integers(0, 9, (4, 6))
    before = numpy(embedding(numbers))
    embedding.adapt(numbers)
    np.testing.assert_array_equal(before, numpy(embedding(numbers)))
    np.testing.assert_array_equal(before, numpy(embedding.embeddings)[numbers])


def test_a_pair_embedding_blots_out_other_words_each_time_in_training_alone():
    numbers = np.full((200, 20), 5)
    numbers[:, 15:] = 0
    embedding, words, _ = pair_embedding(numbers[:, :1], 1, blot=0.3)
    np.testing.assert_allclose(numpy(embedding(numbers)), words[numbers], atol=1e-6)
    drawn = [numpy(embedding(numbers, training=True)) for _ in range(2)]
    blotted = [np.isclose(vectors, words[1]).all(axis=-1) for vectors in drawn]
    for vectors, places in zip(drawn, blotted, strict=True):
        np.testing.assert_allclose(vectors, words[np.where(places, 1, numbers)], atol=1e-6)
        assert abs(places[:, :15].mean() - 0.3) < 0.04 and not places[:, 15:].any()
    assert (blotted[0] != blotted[1]).any()


def test_bad_sizes_of_a_pair_embedding_are_named():
    for name, options in {
        "input_dim": {"input_dim": 50_000},
        "output_dim": {"output_dim": 0},
        "pairs": {"pairs": 2.5},
        "blot": {"blot": 1.0},
    }.items():
        with pytest.raises(ValueError, match=f"`{name}`"):
            sentiment.PairEmbedding(**{"input_dim": 9, "output_dim": 3, "pairs": 2} | options)


def test_a_critic_that_reads_pairs_is_saved_and_gives_its_reasons(tmp_path):
    keras.utils.set_random_seed(0)
    embedding = sentiment.PairEmbedding(len(KNOWN), 5, pairs=4, blot=0.2)
    embedding.adapt(sentiment.encoded(TEXTS, KNOWN))
    for weights in embedding.trainable_variables:
        weights.assign(keras.random.normal(weights.shape))
    model = architectures.sequence_to_vector(embedding, layers.GRU(6), keras.layers.Dense(1))
    app = sentiment.Critic(model, tokens=KNOWN.tokens, longest=20)
    app.save(tmp_path / "mine.zip")
    np.testing.assert_allclose(rnn_course.load(tmp_path / "mine.zip").score(TEXTS), app.score(TEXTS), atol=1e-6)
    owed = app.score(TEXTS[0]) - app.baseline(TEXTS[0])
    found = sum(effect for _, effect in app.influence(TEXTS[0], "integrated gradients", steps=256))
    assert abs(owed) > 0.01 and abs(found - owed) < 0.02 * abs(owed)


def test_calibration_error_by_hand():
    """Three answers at 0.9, two of them right; one at 0.4, that is 0.6 sure of a 0, and wrong."""
    found = sentiment.calibration_error([0.9, 0.9, 0.9, 0.4], [1, 1, 0, 1], bins=5)
    assert np.isclose(found, 3 / 4 * abs(2 / 3 - 0.9) + 1 / 4 * 0.6)
    p = np.random.default_rng(0).random(20_000)
    assert sentiment.calibration_error(p, np.random.default_rng(1).random(20_000) < p) < 0.02
    assert sentiment.calibration_error([1.0, 0.0], [1, 0]) == 0


def test_it_judges_as_its_model_whatever_the_padding():
    app = critic()
    for side, length in (("end", 8), ("front", 8), ("end", 30)):
        logits = numpy(app.model(sentiment.encoded(TEXTS, KNOWN, length, side)))[:, 0]
        np.testing.assert_allclose(app.score(TEXTS), logits, atol=1e-6)
        np.testing.assert_allclose(app.judge(TEXTS), 1 / (1 + np.exp(-logits)), atol=1e-6)
    assert isinstance(app.judge(TEXTS[0]), float)
    np.testing.assert_allclose([app.judge(text) for text in TEXTS], app.judge(TEXTS), atol=1e-6)
    assert np.ptp(app.judge(TEXTS)) > 0.01


def test_unknown_words_are_read_as_one_and_named():
    app = critic()
    assert app.judge("a dire film") == app.judge("a hapless film") != app.judge("a bad film")
    assert app.unknown("A dire, dire film by Bob") == ["dire", "by", "bob"] and app.unknown("a bad film") == []


def test_occlusion_is_the_difference_of_its_own_scores():
    app = critic()
    pairs = app.influence("not a bad film")
    for t, (word, effect) in enumerate(pairs):
        spoken = "not a bad film".split()
        assert word == spoken[t]
        spoken[t] = "dire"  # which it does not know
        assert np.isclose(effect, app.score("not a bad film") - app.score(" ".join(spoken)), atol=1e-5)


def test_integrated_gradients_sum_to_the_difference_from_its_baseline():
    app = critic()
    pairs = app.influence("not a bad film", "integrated gradients", steps=128)
    owed = app.score("not a bad film") - app.baseline("not a bad film")
    assert [word for word, _ in pairs] == "not a bad film".split() and abs(owed) > 0.01
    assert np.isclose(sum(effect for _, effect in pairs), owed, rtol=1e-2)


def test_gradient_times_input_is_the_derivative_at_the_text():
    """From a baseline that is hardly different, it is what all methods say: so compare with a small difference."""
    app = critic()
    embedding, gru, output = app.model.layers
    vectors, nothing = (numpy(embedding(sentiment.encoded([t], KNOWN)))[0] for t in ("a bad film", "dire"))
    found = [effect for _, effect in app.influence("a bad film", "gradient times input")]
    expected = influence.integrated_gradients(
        lambda x: output(gru(x))[:, 0], vectors, vectors + 1e-3 * (nothing - vectors), steps=4
    )
    np.testing.assert_allclose(found, 1e3 * expected, rtol=0.05, atol=0.02)


def test_deletion_blots_out_words():
    app = critic()
    curve = app.deletion("not a bad film", [2, 0])
    spoken = ["not a bad film", "not a dire film", "dire a dire film"]
    np.testing.assert_allclose(curve, app.score(spoken), atol=1e-6)


def test_it_comes_back_from_its_file(tmp_path):
    app = critic()
    app.save(tmp_path / "mine.zip")
    again = rnn_course.load(tmp_path / "mine.zip")
    assert (type(again), again.results, again.settings) == (sentiment.Critic, {"accuracy": 0.5}, app.settings)
    np.testing.assert_allclose(again.judge(TEXTS), app.judge(TEXTS), atol=1e-6)


@pytest.mark.parametrize(
    ("use", "error", "words"),
    [
        (lambda app: app.judge(5), TypeError, "`reviews` must be a string or a list"),
        (lambda app: app.judge([]), ValueError, "`reviews` must not be empty"),
        (lambda app: app.judge(["good", None]), TypeError, "`review` must be a string; received None"),
        (lambda app: app.judge(" "), ValueError, "`review` must not be empty"),
        (lambda app: app.judge("bad " * 21), ValueError, "at most 20 words; received 21"),
        (lambda app: app.judge("quel dommage"), ValueError, "`review` must have a word that the model knows"),
        (lambda app: app.influence(TEXTS), TypeError, "`review` must be a string, one review"),
        (lambda app: app.influence("bad", "magic"), ValueError, "`method` must be one of 'occlusion', "),
        (lambda app: app.influence("bad", "integrated gradients", steps=0), ValueError, "`steps`"),
        (lambda app: app.deletion("bad", [1]), ValueError, "`order`"),
    ],
)
def test_mistakes_are_named(use, error, words):
    with pytest.raises(error, match=words):
        use(critic())


def test_what_comes_with_the_package_reaches_its_results():
    if not (TRAINED / "sentiment.zip").exists():
        pytest.skip("not trained yet")
    app = rnn_course.load("sentiment")
    for result, split in (("accuracy", "test"), ("distant", "distant"), ("new_words", "new words")):
        texts, labels = data.reviews(300, seed=9, split=split)
        assert abs(np.mean((app.judge(texts) > 0.5) == labels) - app.results[result]) < 0.08
    assert app.results["tf-idf"] < app.results["accuracy"] - 0.15
    assert app.judge("Not a bad film at all.") > 0.9
