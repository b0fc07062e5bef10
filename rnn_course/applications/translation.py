"""Translation: dates between any two of several languages, by one model."""

import keras
import sacrebleu

from rnn_course import decoding
from rnn_course.applications.application import Application, several, share_right, text
from rnn_course.data import Vocabulary

END = "$"


def tag(language):
    """Return the token that tells the decoder which language to write: "H" for "he". Dates have no capital letters."""
    return language[0].upper()


def vocabularies(sources, targets, languages):
    """Return the vocabularies of what is read and of what is written.

    Parameters
    ----------
    sources, targets : list of str
        The texts to train on.
    languages : iterable of str
        The languages that are written, such as "he".

    Returns
    -------
    reads, writes : rnn_course.data.Vocabulary
        A token is a character; `writes` has the `tag` of each language and an end token, too.
    """
    return Vocabulary.of(sources), Vocabulary.of([*targets, END, *map(tag, languages)])


def encoded(sources, targets, pairs, reads, writes):
    """Return what the encoder reads, what the decoder reads, and what it should write: teacher forcing.

    The decoder's first token says which language it is to write (M. Johnson et al., 2017, put it before the source).

    Parameters
    ----------
    sources, targets : list of str
        The N texts and their translations.
    pairs : list of (str, str)
        From which language and to which, for each.
    reads, writes : rnn_course.data.Vocabulary
        From `vocabularies`.

    Returns
    -------
    source : numpy.ndarray
        Shape (N, S), int32.
    before, after : numpy.ndarray
        Shape (N, T), int32.
    """
    numbers = writes.encode([f"{tag(to)}{target}{END}" for target, (_, to) in zip(targets, pairs, strict=True)])
    return reads.encode(sources), numbers[:, :-1], numbers[:, 1:]


def scores(translations, references):
    """Score translations: 100 for each score is best.

    Parameters
    ----------
    translations, references : list of str
        What was written, and what is right.

    Returns
    -------
    dict
        "exact": percent that are right to the letter. "BLEU": by words (K. Papineni et al., 2002). "chrF": by groups of
        up to six characters (M. Popović, 2015). The last two by sacrebleu, for all texts together.

    Raises
    ------
    ValueError
        If there are none, or not as many translations as references.
    """
    translations, references = list(translations), list(references)
    if not translations or len(translations) != len(references):
        raise ValueError(
            "`translations` and `references` must be equally many, at least one; received "
            f"{len(translations)} and {len(references)}."
        )
    return {
        "exact": 100 * share_right(translations, references),
        "BLEU": sacrebleu.corpus_bleu(translations, [references]).score,
        "chrF": sacrebleu.corpus_chrf(translations, [references]).score,
    }


class Translator(Application):
    """Translates dates from any of its languages into any other.

    Parameters
    ----------
    model : rnn_course.architectures.EncoderDecoder
        Trained on what `encoded` gives.
    results : dict, optional
        As in `Application`.
    reads, writes : list of str
        The tokens of the two vocabularies.
    languages : dict of str
        Those that it writes: {"he": "Hebrew", ...}.
    longest : list of int
        Most characters that it reads, and that it writes.

    Examples
    --------
    >>> import rnn_course
    >>> translator = rnn_course.load("translation")
    >>> translator.translate("friday, november 20, 2026", to="fr")
    'vendredi 20 novembre 2026'
    """

    name = "translation"

    def __init__(self, model, results=None, *, reads, writes, languages, longest):
        reads, writes = ([token for token in tokens if token] for tokens in (reads, writes))
        settings = {"languages": dict(languages), "longest": list(longest)}
        super().__init__(model, results, reads=reads, writes=writes, **settings)
        self.reads, self.writes = Vocabulary(reads), Vocabulary(writes)

    @property
    def languages(self):
        """The languages that it translates between: {"he": "Hebrew", ...}."""
        return dict(self.settings["languages"])

    def translate(self, texts, to, beams=1):
        """Translate a date, or several.

        Nobody tells the model which language a text is in.

        Parameters
        ----------
        texts : str or list of str
            A date written out in one of the `languages`, such as "Friday, November 20, 2026", or several. Capital
            letters are read as small ones.
        to : str or list of str
            The language to write, one of the keys of `languages`; or one for each text.
        beams : int
            How many beginnings are kept (`rnn_course.decoding.beam_search`); 1 is greedy.

        Returns
        -------
        str or list of str
            The translation of one text, or of each, lower case.

        Raises
        ------
        TypeError
            If a text is not a string.
        ValueError
            If a text is empty, too long, or has unknown characters; there are no texts; `to` is not one of the
            languages, or not as many as there are texts; or `beams` is not a positive whole number.
        """
        source, one = self._checked(texts), isinstance(texts, str)
        written = self._written(source, to, beams)
        return written[0] if one else written

    def look(self, source, to):
        """Translate a date, and say where the model looks as it writes.

        Parameters
        ----------
        source : str
            The text, as in `translate`.
        to : str
            The language to write.

        Returns
        -------
        translation : str
            The greedy translation, T characters.
        weights : numpy.ndarray
            Shape (T, S), float32: how much weight each of the S characters of the source has as each is written. The
            weights of a character sum to 1.

        Raises
        ------
        TypeError, ValueError
            As in `translate`; a ValueError if the model was made without attention.
        """
        text("source", source)
        text("to", to)
        tokens = self._checked(source)
        (translation,) = self._written(tokens, to, beams=1)
        before = self.writes.encode([tag(to) + translation])[:, :-1]
        weights = keras.ops.convert_to_numpy(self.model.attention([tokens, before]))[0]
        return translation, weights[:, : len(source)]

    def _written(self, source, to, beams):
        """The translations of sources (B, S), with the highest probability of all that are found."""
        targets = to if isinstance(to, (list, tuple)) else [to] * len(source)
        if len(targets) != len(source):
            raise ValueError(
                f"`to` must be one language, or one for each of the {len(source)} texts; received {len(targets)}."
            )
        if unknown := [target for target in targets if target not in self.languages]:
            known = ", ".join(f'"{key}" ({name})' for key, name in self.languages.items())
            raise ValueError(f"`to` must be a language that the model writes: {known}; received {unknown[0]!r}.")
        *start, end = self.writes.encode("".join(map(tag, targets)) + END).tolist()
        longest = self.settings["longest"][1] + 1
        written, _ = decoding.beam_search(self.model.step, self.model.start(source), start, end, longest, beams)
        return self.writes.decode(written[:, 0])

    def _checked(self, texts):
        """The tokens (B, S) of one or several texts, or what is wrong with them."""
        texts, longest = several("texts", texts), self.settings["longest"][0]
        for value in texts:
            text("texts", value.lower() if isinstance(value, str) else value, self.reads.tokens, longest)
        return self.reads.encode([value.lower() for value in texts], length=longest)
