"""The translator: it writes what decoding finds, in the language asked for, and mistakes are named."""

import keras
import numpy as np
import pytest

import rnn_course
from rnn_course import architectures, data, decoding
from rnn_course.applications import TRAINED, translation
from tests.reference import numpy

SOURCES, TARGETS, PAIRS = data.translations(60, seed=3)
READS, WRITES = translation.vocabularies(SOURCES, TARGETS, data.LANGUAGES)


def translator(**kwargs):
    """An untrained one."""
    keras.utils.set_random_seed(0)
    settings = {"attention": True, "bidirectional": True} | kwargs
    model = architectures.EncoderDecoder(len(READS), len(WRITES), 6, 5, **settings)
    source, before, _ = translation.encoded(SOURCES, TARGETS, PAIRS, READS, WRITES)
    model([source[:2], before[:2]])
    return translation.Translator(
        model,
        {"exact": 12.5},
        reads=READS.tokens,
        writes=WRITES.tokens,
        languages=data.LANGUAGES,
        longest=(source.shape[1], before.shape[1] - 1),
    )


def test_the_first_token_says_the_language():
    source, before, after = translation.encoded(SOURCES, TARGETS, PAIRS, READS, WRITES)
    for s, b, a, text, target, (_, to) in zip(source, before, after, SOURCES, TARGETS, PAIRS):
        assert READS.decode(s) == text
        assert WRITES.decode(a) == target + "$"
        assert WRITES.decode(b).removesuffix("$") == to[0].upper() + target
        np.testing.assert_array_equal(b[1:][a[1:] > 0], a[:-1][a[1:] > 0])
    assert len({translation.tag(language) for language in data.LANGUAGES}) == len(data.LANGUAGES)


def test_it_writes_what_decoding_finds():
    app = translator()
    source = READS.encode(SOURCES[:5], length=app.settings["longest"][0])
    for to in data.LANGUAGES:
        start, end = WRITES.encode(to[0].upper() + "$").tolist()
        longest = app.settings["longest"][1] + 1
        greedy = decoding.greedy(app.model.step, app.model.start(source), start, end, longest)
        assert app.translate(SOURCES[:5], to) == WRITES.decode(greedy)
        assert app.translate(SOURCES[3].upper(), to) == app.translate(SOURCES[:5], to)[3]
    beams, _ = decoding.beam_search(app.model.step, app.model.start(source), start, end, longest, beams=3)
    assert app.translate(SOURCES[:5], to, beams=3) == WRITES.decode(beams[:, 0])


def test_each_text_may_have_a_language_of_its_own():
    app = translator()
    targets = ["he", "de", "ru", "de", "fr"]
    for beams in (1, 3):
        alone = [app.translate(text, to, beams) for text, to in zip(SOURCES, targets)]
        assert app.translate(SOURCES[:5], targets, beams) == alone


def test_it_looks_where_its_model_attends():
    app = translator()
    source = SOURCES[0]
    written, weights = app.look(source, "ru")
    assert written == app.translate(source, "ru") and weights.shape == (len(written), len(source))
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    before = WRITES.encode(f"R{written}")[None, :-1]
    whole = numpy(app.model.attention([READS.encode(source)[None], before]))[0]
    np.testing.assert_allclose(weights, whole, atol=1e-5)


def test_scores_on_cases_counted_by_hand():
    same = translation.scores(TARGETS, TARGETS)
    assert all(abs(score - 100) < 1e-6 for score in same.values()) and list(same) == ["exact", "BLEU", "chrF"]
    # "ab" for "abc": of 2 letters 2 are right, of 1 pair 1; of 3 letters 2 are found, of 2 pairs 1, of 1 triple none.
    # sacrebleu leaves out lengths that one of the two texts does not have.
    precision, recall = (1 + 1) / 2, (2 / 3 + 1 / 2) / 2
    chrf = 5 * precision * recall / (4 * precision + recall)
    found = translation.scores(["ab"], ["abc"])
    assert found["exact"] == 0 and abs(found["chrF"] - 100 * chrf) < 0.1
    assert translation.scores(["a", "b"], ["a", "c"])["exact"] == 50


def test_it_comes_back_from_its_file(tmp_path):
    app = translator()
    app.save(tmp_path / "mine.zip")
    again = rnn_course.load(tmp_path / "mine.zip")
    assert (type(again), again.results, again.settings) == (translation.Translator, app.results, app.settings)
    assert again.languages == data.LANGUAGES
    assert again.translate(SOURCES[:4], "he") == app.translate(SOURCES[:4], "he")


@pytest.mark.parametrize(
    ("use", "error", "words"),
    [
        (lambda app: app.translate("", "fr"), ValueError, "`texts` must not be empty"),
        (lambda app: app.translate([], "fr"), ValueError, "`texts` must not be empty"),
        (lambda app: app.translate(["1 may 2000", "  "], "fr"), ValueError, "`texts` must not be empty"),
        (lambda app: app.translate(20261120, "fr"), TypeError, "`texts` must be a string or a list"),
        (lambda app: app.translate(["1 may 2000", 5], "fr"), TypeError, "`texts` must be a string"),
        (lambda app: app.translate("1 may 2000 " * 9, "fr"), ValueError, "at most .* characters; received 99"),
        (lambda app: app.translate("1 may 2000?", "fr"), ValueError, "does not know: '\\?'"),
        (lambda app: app.translate("二月", "fr"), ValueError, "does not know"),
        (lambda app: app.translate("1 may 2000", "es"), ValueError, "`to` must be .*\"he\" \\(Hebrew\\).*'es'"),
        (lambda app: app.translate("1 may 2000", None), ValueError, "`to` must be"),
        (lambda app: app.translate(["1 may 2000"] * 2, ["fr", "es"]), ValueError, "`to` must be a language.*'es'"),
        (lambda app: app.translate(["1 may 2000"] * 2, ["fr"]), ValueError, "one for each of the 2 texts; received 1"),
        (lambda app: app.translate("1 may 2000", "fr", beams=0), ValueError, "`beams`"),
        (lambda app: app.look(["1 may 2000"], "fr"), TypeError, "`source` must be a string"),
        (lambda app: app.look("1 may 2000", ["fr"]), TypeError, "`to` must be a string"),
        (lambda app: translator(attention=False).look("1 may 2000", "fr"), ValueError, "no attention"),
        (lambda app: translation.scores([], []), ValueError, "equally many"),
        (lambda app: translation.scores(["a"], ["a", "b"]), ValueError, "received 1 and 2"),
    ],
)
def test_mistakes_are_named(use, error, words):
    with pytest.raises(error, match=words):
        use(translator())


def test_what_comes_with_the_package_reaches_its_results():
    if not (TRAINED / "translation.zip").exists():
        pytest.skip("not trained yet")
    app = rnn_course.load("translation")
    assert app.translate("friday, november 20, 2026", to="fr") == "vendredi 20 novembre 2026"
    for result, pairs in {"exact": [("en", "he"), ("ru", "fr")], "over_english": [("fr", "en")]}.items():
        for pair in pairs:
            sources, targets, _ = data.translations(100, seed=9, pairs=[pair], split="test")
            exact = translation.scores(app.translate(sources, pair[1]), targets)["exact"]
            assert exact > app.results[result] - 6
    assert app.results["exact"] > max(app.results["never_trained"], app.results["word_by_word"])
