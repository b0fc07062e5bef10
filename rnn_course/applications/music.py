"""Music for four voices: a network that has read Bach's chorales goes on from an opening, or harmonizes a melody."""

import re

import keras
import numpy as np

from rnn_course import decoding, scores, sounds
from rnn_course.applications.application import Application
from rnn_course.checks import positive
from rnn_course.data import Chorale, Vocabulary, sounding

VOICES, END, BAR = "SATB", "$", 8
_BATCH = 64  # chorales that are read at once
MELODY = (48, 96)  # the lowest and the highest note that is taken for one
SCALE = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


def written(chorale):
    """Return a `rnn_course.data.Chorale` as a line of tokens.

    First "^2", say, for an upbeat of two steps. Then four tokens a step, for soprano, alto, tenor and bass in turn: a
    note, such as "S72", or "S-", where the note before it goes on. At last "$".

    Parameters
    ----------
    chorale : rnn_course.data.Chorale
        The chorale.

    Returns
    -------
    str
        1 + 4 T + 1 tokens with spaces between them.
    """
    notes = [voice + (str(pitch) if pitch else "-") for step in chorale.voices for voice, pitch in zip(VOICES, step)]
    return " ".join([f"^{chorale.upbeat}", *notes, END])


def read(line):
    """Return the voices (T, 4), int32, that a line of tokens stands for: the reverse of `written`."""
    notes = [token[1:].replace("-", "0") for token in line.split() if token[0] in VOICES]
    return np.array(notes, "int32").reshape(-1, 4)


def vocabulary(chorales):
    """Return the `rnn_course.data.Vocabulary` of all tokens that are needed to write chorales."""
    upbeats = [f"^{upbeat}" for upbeat in range(BAR)]
    return Vocabulary.of([*map(written, chorales), *upbeats], by="word")


def transposed(chorale, semitones):
    """Return a chorale moved by some semitones."""
    return chorale._replace(voices=np.where(chorale.voices > 0, chorale.voices + semitones, 0))


def windows(chorales, tokens, length):
    """Cut chorales into pieces of ``length`` tokens; return what is read and what comes next, (N, length) each, int32.

    Parameters
    ----------
    chorales : list of rnn_course.data.Chorale
        The chorales.
    tokens : rnn_course.data.Vocabulary
        From `vocabulary`.
    length : int
        Tokens of a piece; the last one of a chorale is filled up with zeros.
    """
    pieces = []
    for chorale in chorales:
        numbers = tokens.encode(written(chorale))
        for first in range(0, len(numbers) - 1, length):
            piece = numbers[first : first + length + 1]
            pieces.append(np.pad(piece, (0, length + 1 - len(piece))))
    pieces = np.array(pieces, "int32")
    return pieces[:, :-1], pieces[:, 1:]


def surprises(model, chorales, tokens):
    """Return, for each chorale, how many bits the model needs for each of its tokens but the first: (4 T + 1,).

    Parameters
    ----------
    model : rnn_course.architectures.LanguageModel
        The model.
    chorales : list of rnn_course.data.Chorale
        The chorales.
    tokens : rnn_course.data.Vocabulary
        From `vocabulary`.

    Returns
    -------
    list of numpy.ndarray
        For the number that the model gave the probability p: the logarithm of 1 / p to base 2.
    """
    bits = []
    for first in range(0, len(chorales), _BATCH):
        numbers = tokens.encode([written(chorale) for chorale in chorales[first : first + _BATCH]])
        after = numbers[:, 1:]
        logits = keras.ops.convert_to_numpy(model(numbers[:, :-1])).reshape(after.size, -1)
        log_p = decoding.log_softmax(decoding.without_padding(logits))[np.arange(after.size), after.ravel()]
        bits += [-row[known] / np.log(2) for row, known in zip(log_p.reshape(after.shape), after > 0)]
    return bits


def bits_per_note(model, chorales, tokens):
    """Return the sum of all `surprises` over the number of notes."""
    notes = sum((chorale.voices > 0).sum() for chorale in chorales)
    return float(sum(bits.sum() for bits in surprises(model, chorales, tokens)) / notes)


def parallels(voices):
    """Count parallel fifths and octaves: two voices that move, the same way, from one perfect interval to its like.

    Parameters
    ----------
    voices : array_like
        Shape (T, 4), as in `rnn_course.data.Chorale`.

    Returns
    -------
    fifths, octaves : int
        How often, over all pairs of voices; unisons count as octaves.
    """
    pitches = sounding(voices)
    moved = np.diff(pitches, axis=0)
    counts = [0, 0]
    for upper in range(4):
        for lower in range(upper + 1, 4):
            apart = (pitches[:, upper] - pitches[:, lower]) % 12
            together = (moved[:, upper] * moved[:, lower] > 0) & (apart[1:] == apart[:-1])
            counts[0] += int((together & (apart[1:] == 7)).sum())
            counts[1] += int((together & (apart[1:] == 0)).sum())
    return tuple(counts)


def midi(note):
    """Return the MIDI pitch of a note: a whole number, or a name such as "c4" (60), "f#4" or "bb3".

    Raises
    ------
    TypeError, ValueError
        If it is neither.
    """
    if isinstance(note, (int, np.integer)) and not isinstance(note, bool):
        return int(note)
    if not isinstance(note, str):
        raise TypeError(f"`note` must be a MIDI pitch or a name such as 'f#4'; received {note!r}.")
    parts = re.fullmatch("([a-g])(#|b|)([0-9])", note.strip().lower())
    if parts is None:
        raise ValueError(f"`note` must be a letter from a to g, # or b if needed, and an octave; received {note!r}.")
    letter, sign, octave = parts.groups()
    return SCALE[letter] + {"#": 1, "b": -1, "": 0}[sign] + 12 * (int(octave) + 1)


class Piece:
    """Music for four voices.

    Attributes
    ----------
    voices : numpy.ndarray
        Shape (T, 4), int32: MIDI pitches where a note starts, else 0, as in `rnn_course.data.Chorale`.
    upbeat : int
        Steps before the first bar line.
    """

    def __init__(self, voices, upbeat=0):
        self.voices, self.upbeat = np.asarray(voices, "int32"), upbeat

    def svg(self, title="A piece for four voices"):
        """Return its notes as a picture, SVG, with a title for screen readers: `rnn_course.scores.score`."""
        return scores.score(self.voices, self.upbeat, title)

    def notes(self, tempo=84):
        """Return its notes as (start, end, pitch), in seconds and MIDI numbers, at ``tempo`` quarters a minute."""
        step, found = 30 / tempo, []
        for voice in self.voices.T:
            starts = np.flatnonzero(voice)
            for first, last in zip(starts, [*starts[1:], len(voice)]):
                found.append((float(first * step), float(last * step), int(voice[first])))
        return sorted(found)

    def waveform(self, tempo=84, sample_rate=8000):
        """Return its sound, (samples,), for `rnn_course.sounds.player`: `rnn_course.sounds.tones`."""
        return sounds.tones(self.notes(tempo), sample_rate)

    def __repr__(self):
        return f"<Piece: {len(self.voices) / BAR:g} bars, {(self.voices > 0).sum()} notes>"


class Composer(Application):
    """Writes music for four voices in the manner of the chorales that its model has read.

    Parameters
    ----------
    model : rnn_course.architectures.LanguageModel
        Trained on chorales as `written` writes them.
    results : dict, optional
        As in `Application`.
    tokens : list of str
        Those of its vocabulary.
    longest : int
        Most steps of a piece.

    Examples
    --------
    >>> import rnn_course
    >>> composer = rnn_course.load("music")
    >>> piece = composer.harmonize(["c5", "d5", "e5", "f5", "g5", "g5", "c5"], lengths=[2, 2, 2, 2, 2, 2, 4])
    >>> piece
    <Piece: 2 bars, 28 notes>
    >>> picture, sound = piece.svg(), piece.waveform()
    """

    name = "music"

    def __init__(self, model, results=None, *, tokens, longest):
        tokens = [token for token in tokens if token]
        super().__init__(model, results, tokens=tokens, longest=longest)
        self.vocabulary = Vocabulary(tokens, by="word")
        first = np.array([token[:1] for token in self.vocabulary.tokens])
        self.of_voice = np.stack([first == voice for voice in VOICES])  # (4, K)

    def harmonize(self, melody, lengths=2, upbeat=0, beams=8):
        """Add alto, tenor and bass to a melody, in the key in which the whole is the most probable.

        The model reads from left to right, so the chords of a step are chosen before the rest of the melody is seen;
        but of the beginnings that are kept, those fall back after which the melody is a surprise.

        Parameters
        ----------
        melody : list of int or str
            The notes of the soprano: MIDI pitches (60 is middle C), or names, such as "c5", "f#4", "bb4".
        lengths : int or list of int
            How long they are, in eighths; one number for all, or one for each note.
        upbeat : int
            How many eighths stand before the first bar line, 0 to 7. A bar has eight.
        beams : int
            How many beginnings are kept (`rnn_course.decoding.beam_search`).

        Returns
        -------
        Piece

        Raises
        ------
        TypeError, ValueError
            If a note is unknown, the melody is empty, too low, too high, too wide or too long, or another argument is
            not as described.
        """
        soprano, upbeat = self._soprano(melody, lengths), self._upbeat(upbeat)
        positive(beams=beams)
        keys = self._keys(soprano)
        voices, log_p = self.add_voices([np.where(soprano > 0, soprano + by, 0) for by in keys], upbeat, beams)
        best = int(log_p.argmax())
        return Piece(np.where(voices[best] > 0, voices[best] - keys[best], 0), upbeat)

    def add_voices(self, sopranos, upbeat=0, beams=8):
        """Add alto, tenor and bass to several sopranos at once, each as it is, in C major or A minor.

        Parameters
        ----------
        sopranos : array_like
            Shape (N, T): the melodies, as in `rnn_course.data.Chorale.voices`.
        upbeat, beams : int
            As in `harmonize`.

        Returns
        -------
        voices : numpy.ndarray
            Shape (N, T, 4), int32.
        log_probabilities : numpy.ndarray
            Shape (N,): the logarithm of the probability of all four voices together.

        Raises
        ------
        ValueError
            If a note is not in the vocabulary, or an argument is not as described.
        """
        sopranos = np.asarray(sopranos)
        if sopranos.ndim != 2 or not sopranos.size or self._numbers(sopranos.reshape(-1, 1)) is None:
            raise ValueError(
                "`sopranos` must have shape (N, T), with pitches that the model knows where a note starts and 0 where "
                f"it goes on; received shape {sopranos.shape}."
            )
        positive(beams=beams)
        (rows, steps), start = sopranos.shape, self._number(f"^{self._upbeat(upbeat)}")
        allowed = np.tile(self.of_voice, (rows, steps, 1))
        allowed[:, 1:4, [self._number(f"{voice}-") for voice in VOICES]] = False  # nothing is held in the first step
        numbers = self._numbers(sopranos.reshape(-1, 1)).reshape(rows, steps, 1)
        allowed[:, ::4] = np.arange(len(self.vocabulary)) == numbers
        written, log_p = decoding.beam_search(
            self.model.step,
            self.model.start(np.zeros((rows, 0), "int32")),
            start,
            self._number(END),
            4 * steps,
            beams,
            allowed=allowed,
        )
        return np.stack([read(line) for line in self.vocabulary.decode(written[:, 0])]), log_p[:, 0]

    def compose(self, opening=None, steps=64, temperature=0.8, seed=None, upbeat=0):
        """Draw a piece, or how one goes on.

        Parameters
        ----------
        opening : array_like, optional
            Shape (T, 4), as in `rnn_course.data.Chorale.voices`: how it starts, in C major or A minor. Or a `Piece` or
            a Chorale, whose upbeat it then has.
        steps : int
            How many steps of an eighth follow, at most; it may end before.
        temperature : float
            As in `rnn_course.decoding.sample`.
        seed : int, optional
            The same seed draws the same piece.
        upbeat : int
            As in `harmonize`, if there is no opening with one.

        Returns
        -------
        Piece
            Opening included.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described, or the opening has a note that the model does not know.
        """
        positive(steps=steps)
        voices, upbeat = self._opening(opening, upbeat)
        most = self.settings["longest"] - len(voices)
        if steps > most:
            raise ValueError(f"`steps` must be at most {most} after an opening of {len(voices)}; received {steps}.")
        numbers = np.concatenate([[self._number(f"^{upbeat}")], self._numbers(voices).ravel()]).astype("int32")
        allowed = np.tile(self.of_voice, (steps, 1))
        allowed[::4, self._number(END)] = len(voices) > 0
        if not len(voices):
            allowed[:4, [self._number(f"{voice}-") for voice in VOICES]] = False
        written = decoding.sample(
            self.model.step,
            self.model.start(numbers[None, :-1]),
            int(numbers[-1]),
            self._number(END),
            4 * steps,
            temperature,
            seed=seed,
            allowed=allowed,
        )[0]
        return Piece(np.concatenate([voices, read(self.vocabulary.decode(written))]), upbeat)

    def _number(self, token):
        """The number of a token."""
        return int(self.vocabulary.encode(token)[0])

    def _numbers(self, voices):
        """The numbers (T, 4) of voices, or (T, 1) of the soprano alone; None if a note is not in the vocabulary."""
        tokens = [[voice + (str(pitch) if pitch else "-") for voice, pitch in zip(VOICES, step)] for step in voices]
        if not all(token in self.vocabulary for step in tokens for token in step):
            return None
        return np.array([self.vocabulary.encode(" ".join(step)) for step in tokens]).reshape(-1, voices.shape[1])

    def _keys(self, soprano):
        """By how many semitones a melody can be moved to each key, so that a soprano can sing it."""
        keys = []
        for by in sorted(range(-24, 25), key=abs):  # of each key, the nearest octave
            known = self._numbers(np.where(soprano > 0, soprano + by, 0)[:, None]) is not None
            if known and all((by - other) % 12 for other in keys):
                keys.append(by)
        if not keys:
            notes = soprano[soprano > 0]
            raise ValueError(
                f"`melody` must fit a soprano's voice; received MIDI pitches {notes.min()} to {notes.max()}. Make it "
                "narrower, or move it by octaves."
            )
        return keys

    def _soprano(self, melody, lengths):
        """The melody in steps (T,): a pitch where a note starts, else 0; or what is wrong with it."""
        if isinstance(melody, str) or not hasattr(melody, "__len__"):
            raise TypeError(f"`melody` must be a list of MIDI pitches or names of notes; received {melody!r}.")
        pitches = [midi(note) for note in melody]
        lengths = [lengths] * len(pitches) if np.ndim(lengths) == 0 else list(lengths)
        if not pitches:
            raise ValueError("`melody` must not be empty.")
        if len(lengths) != len(pitches):
            raise ValueError(f"`lengths` must be as many as notes, {len(pitches)}, or one; received {len(lengths)}.")
        for length in lengths:
            positive(lengths=length)
        wrong = [pitch for pitch in pitches if not MELODY[0] <= pitch <= MELODY[1]]
        if wrong:
            raise ValueError(
                f"`melody` must have MIDI pitches from {MELODY[0]} to {MELODY[1]}; received {wrong[0]}. Move it by "
                "octaves."
            )
        if sum(lengths) > self.settings["longest"]:
            raise ValueError(
                f"`melody` must have at most {self.settings['longest']} eighths; received {sum(lengths)}. Shorten it."
            )
        soprano = np.zeros(sum(lengths), "int32")
        soprano[np.cumsum([0, *lengths[:-1]])] = pitches
        return soprano

    def _opening(self, opening, upbeat):
        """The opening's voices (T, 4) and upbeat; or what is wrong with it."""
        if isinstance(opening, (Piece, Chorale)):
            opening, upbeat = opening.voices, opening.upbeat
        upbeat = self._upbeat(upbeat)
        if opening is None:
            return np.zeros((0, 4), "int32"), upbeat
        voices = np.asarray(opening)
        if voices.ndim != 2 or voices.shape[1] != 4 or not len(voices) or not np.issubdtype(voices.dtype, np.integer):
            raise ValueError(
                f"`opening` must be whole numbers of shape (T, 4), T at least 1; received shape {voices.shape} of "
                f"{voices.dtype}. Give the MIDI pitch of each voice where a note starts, and 0 where one goes on."
            )
        if not voices[0].all():
            raise ValueError(f"`opening` must start with a note in each voice; received {voices[0].tolist()}.")
        if self._numbers(voices) is None:
            ranges = [
                [int(token[1:]) for token in self.vocabulary.tokens if re.fullmatch(f"{v}[0-9]+", token)]
                for v in VOICES
            ]
            words = ", ".join(f"{voice} {min(known)} to {max(known)}" for voice, known in zip(VOICES, ranges))
            raise ValueError(f"`opening` has a note that the model does not know: it knows {words}. Transpose it.")
        return voices.astype("int32"), upbeat

    def _upbeat(self, upbeat):
        """The upbeat, or what is wrong with it."""
        if isinstance(upbeat, bool) or not isinstance(upbeat, (int, np.integer)) or not 0 <= upbeat < BAR:
            raise ValueError(f"`upbeat` must be a whole number of eighths from 0 to 7; received {upbeat!r}.")
        return int(upbeat)
