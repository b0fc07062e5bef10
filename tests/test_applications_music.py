"""The composer: what it writes is what decoding finds, what is given stays as it is, and mistakes are named."""

import xml.etree.ElementTree as ET

import keras
import numpy as np
import pytest

import rnn_course
from rnn_course import architectures, data, decoding, scores
from rnn_course.applications import TRAINED, music
from tests.reference import numpy

CHORALES = data.chorales("valid")[:6]
TOKENS = music.vocabulary(data.chorales("train"))
OPENING = CHORALES[0].voices[:10]


def composer():
    """An untrained one."""
    keras.utils.set_random_seed(3)
    model = architectures.LanguageModel(len(TOKENS), 9, 6)
    model.build((None, None))
    return music.Composer(model, {"bits a note": 4.5}, tokens=TOKENS.tokens, longest=100)


def test_a_chorale_is_written_voice_by_voice():
    chorale = data.Chorale("", np.array([[72, 67, 64, 48], [0, 65, 0, 0]], "int32"), 2)
    assert music.written(chorale) == "^2 S72 A67 T64 B48 S- A65 T- B- $"
    assert "S75 A70" in music.written(music.transposed(chorale, 3)) and "S- A68" in music.written(
        music.transposed(chorale, 3)
    )


def test_what_was_written_can_be_read():
    for chorale in CHORALES:
        np.testing.assert_array_equal(music.read(music.written(chorale)), chorale.voices)
    assert music.read("^2 $").shape == (0, 4)


def test_windows_are_the_chorale_shifted_by_one():
    x, y = music.windows(CHORALES, TOKENS, 50)
    assert x.shape == y.shape and x.dtype == y.dtype == "int32"
    numbers = np.concatenate([TOKENS.encode(music.written(chorale))[1:] for chorale in CHORALES])
    np.testing.assert_array_equal(y[y > 0], numbers)
    np.testing.assert_array_equal(x[:, 1:] * (y[:, 1:] > 0), y[:, :-1] * (y[:, 1:] > 0))


def test_bits_per_note_are_the_surprises_one_after_the_other():
    app = composer()
    bits, notes = 0.0, 0
    for chorale in CHORALES[:2]:
        numbers = TOKENS.encode(music.written(chorale))
        logits = numpy(app.model(numbers[None, :-1]))[0].astype("float64")[:, 1:]
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        bits -= np.log2(p[np.arange(len(p)), numbers[1:] - 1]).sum()
        notes += (chorale.voices > 0).sum()
    assert np.isclose(music.bits_per_note(app.model, CHORALES[:2], TOKENS), bits / notes, rtol=1e-5)


@pytest.mark.parametrize(
    ("voices", "expected"),
    [
        ([[72, 67, 64, 48], [74, 69, 65, 50]], (1, 1)),  # soprano and bass: octaves; alto and bass: fifths
        ([[79, 67, 60, 53], [77, 65, 62, 55]], (1, 1)),  # soprano and alto, tenor and bass
        ([[67, 64, 60, 60], [69, 64, 60, 62]], (1, 0)),  # soprano and bass: fifths
        ([[67, 64, 60, 60], [0, 0, 0, 0]], (0, 0)),  # held
        ([[67, 64, 60, 60], [67, 64, 60, 60]], (0, 0)),  # repeated
        ([[67, 64, 62, 60], [62, 64, 62, 67]], (0, 0)),  # not the same way
    ],
)
def test_parallels(voices, expected):
    assert music.parallels(voices) == expected


@pytest.mark.parametrize(("name", "pitch"), [("c4", 60), ("A4", 69), ("f#4", 66), ("bb3", 58), (61, 61), ("cb4", 59)])
def test_names_of_notes(name, pitch):
    assert music.midi(name) == pitch


@pytest.mark.parametrize(
    ("note", "error", "words"),
    [
        ("h4", ValueError, "received 'h4'"),
        ("c", ValueError, "octave"),
        (60.0, TypeError, "60.0"),
        (True, TypeError, ""),
    ],
)
def test_what_is_no_note_is_named(note, error, words):
    with pytest.raises(error, match=f"`note` must be.*{words}"):
        music.midi(note)


def test_harmonizing_keeps_the_melody_in_its_key_and_finds_what_the_beam_finds():
    app = composer()
    melody, lengths = ["e5", "f#5", 80, "a5"], [2, 1, 1, 4]
    piece = app.harmonize(melody, lengths, upbeat=4, beams=3)
    assert piece.voices.shape == (8, 4) and piece.voices[0].all() and piece.upbeat == 4
    assert piece.voices[:, 0].tolist() == [76, 0, 78, 80, 81, 0, 0, 0]
    best = []
    for by in range(-8, 4):  # every key, one after another: that high the model's sopranos sing, and no higher
        tokens = [f"S{pitch + by}" if pitch else "S-" for pitch in piece.voices[:, 0]]
        allowed = np.zeros((32, len(TOKENS)), bool)
        for at, row in enumerate(allowed):
            for token in [tokens[at // 4]] if at % 4 == 0 else TOKENS.tokens[1:]:
                right = token[0] == "SATB"[at % 4] and not (at in (1, 2, 3) and token[1] == "-")
                row[TOKENS.encode(token)[0]] = right
        start, end = TOKENS.encode("^4 $").tolist()
        state = app.model.start(np.zeros((1, 0), "int32"))
        found, log_p = decoding.beam_search(app.model.step, state, start, end, 32, 3, allowed=allowed)
        best.append((log_p[0, 0], by, TOKENS.decode(found[0, 0])))
    _, by, tokens = max(best)
    assert music.written(music.transposed(data.Chorale("", piece.voices, 4), by)) == f"^4 {tokens} $"


def test_a_composition_goes_on_from_its_opening():
    app = composer()
    for opening in (OPENING, OPENING.tolist(), music.Piece(OPENING, 3), data.Chorale("", OPENING, 3)):
        piece = app.compose(opening, steps=12, seed=1)
        np.testing.assert_array_equal(piece.voices[:10], OPENING)
        assert 10 <= len(piece.voices) <= 22 and piece.upbeat == (3 if hasattr(opening, "upbeat") else 0)
    alone = app.compose(steps=5, seed=2)
    assert alone.voices.shape == (5, 4) and alone.voices[0].all()
    np.testing.assert_array_equal(alone.voices, app.compose(steps=5, seed=2).voices)
    assert (alone.voices != app.compose(steps=5, seed=3).voices).any()


def test_it_comes_back_from_its_file(tmp_path):
    app = composer()
    app.save(tmp_path / "mine.zip")
    again = rnn_course.load(tmp_path / "mine.zip")
    assert (type(again), again.results, again.settings) == (music.Composer, {"bits a note": 4.5}, app.settings)
    np.testing.assert_array_equal(again.compose(steps=4, seed=0).voices, app.compose(steps=4, seed=0).voices)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"melody": "c5 d5"}, TypeError, "`melody` must be a list"),
        ({"melody": None}, TypeError, "`melody` must be a list"),
        ({"melody": []}, ValueError, "`melody` must not be empty"),
        ({"melody": ["c5", "x"]}, ValueError, "`note` must be.*'x'"),
        ({"melody": [20]}, ValueError, "`melody` must have MIDI pitches from 48 to 96; received 20"),
        ({"melody": [48, 96]}, ValueError, "`melody` must fit a soprano's voice; received MIDI pitches 48 to 96"),
        ({"melody": [72] * 51}, ValueError, "`melody` must have at most 100 eighths; received 102"),
        ({"melody": [72, 74], "lengths": [2]}, ValueError, "`lengths` must be as many as notes, 2, or one; received 1"),
        ({"melody": [72], "lengths": [0]}, ValueError, "`lengths` must be a positive"),
        ({"melody": [72], "upbeat": 8}, ValueError, "`upbeat` must be .* from 0 to 7; received 8"),
        ({"melody": [72], "beams": 0}, ValueError, "`beams` must be a positive"),
    ],
)
def test_what_cannot_be_harmonized_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        composer().harmonize(**arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"steps": 0}, ValueError, "`steps` must be a positive"),
        ({"steps": 101}, ValueError, "`steps` must be at most 100 after an opening of 0; received 101"),
        ({"temperature": 0}, ValueError, "`temperature` must be above 0"),
        ({"opening": [72, 67, 64, 48]}, ValueError, r"shape \(T, 4\).*received shape \(4,\)"),
        ({"opening": np.ones((2, 4))}, ValueError, "float64"),
        ({"opening": np.zeros((0, 4), int)}, ValueError, "T at least 1"),
        ({"opening": [[72, 67, 64, 0]]}, ValueError, "start with a note in each voice"),
        ({"opening": [[99, 67, 64, 48]]}, ValueError, "does not know: it knows S 52 to 84, A"),
    ],
)
def test_what_cannot_be_continued_is_named(arguments, error, words):
    with pytest.raises(error, match=words):
        composer().compose(**arguments)


def test_several_sopranos_at_once_are_as_one_after_another():
    app = composer()
    sopranos = [chorale.voices[:6, 0] for chorale in CHORALES[:3]]
    voices, log_p = app.add_voices(sopranos, upbeat=2, beams=2)
    for soprano, found, score in zip(sopranos, voices, log_p):
        np.testing.assert_array_equal(found[:, 0], soprano)
        alone, score_alone = app.add_voices([soprano], upbeat=2, beams=2)
        np.testing.assert_array_equal(alone[0], found)
        surprises = music.surprises(app.model, [data.Chorale("", found, 2)], TOKENS)[0][:-1].sum()
        assert np.isclose(score, score_alone[0]) and np.isclose(score, -surprises * np.log(2), rtol=1e-5)
    for wrong in ([72, 74], [[72, 99]], [[]]):
        with pytest.raises(ValueError, match=r"`sopranos` must have shape \(N, T\)"):
            app.add_voices(wrong)


# ---- notes and sound -------------------------------------------------------------------------------------------------


def test_a_piece_lasts_as_long_as_its_notes():
    piece = music.Piece([[72, 67, 64, 48], [0, 0, 0, 0], [74, 0, 65, 0], [0, 0, 0, 0]], 2)
    notes = piece.notes(tempo=60)
    assert sorted(notes) == [
        (0.0, 1.0, 64), (0.0, 1.0, 72), (0.0, 2.0, 48), (0.0, 2.0, 67), (1.0, 2.0, 65), (1.0, 2.0, 74),
    ]  # fmt: skip
    assert len(piece.waveform(tempo=60)) == 8000 * 2.25 + 1
    assert repr(piece) == "<Piece: 0.5 bars, 6 notes>"


@pytest.mark.parametrize("chorale", CHORALES[:3], ids=lambda c: c.name)
def test_music21_reads_the_notes_that_were_written(chorale):
    """From the MEI: pitches and lengths of each voice, tied notes as one."""
    music21 = pytest.importorskip("music21")
    score = music21.converter.parse(scores.mei(chorale.voices, chorale.upbeat), format="mei")
    for staff, part in enumerate(score.parts):
        for place in (0, 1):
            voice = chorale.voices[:, 2 * staff + place]
            starts = np.flatnonzero(voice)
            expected = list(zip(voice[starts].tolist(), np.diff([*starts, len(voice)]).tolist()))
            found = []
            for measure in part.getElementsByClass("Measure"):
                for note in list(measure.voices)[place].notes:
                    if note.tie is not None and note.tie.type in ("continue", "stop"):
                        found[-1] = (found[-1][0], found[-1][1] + int(2 * note.quarterLength))
                    else:
                        found.append((note.pitch.midi, int(2 * note.quarterLength)))
            assert found == expected


def test_the_picture_has_a_title_and_all_notes():
    piece = music.Piece(OPENING, CHORALES[0].upbeat)
    svg = piece.svg("Ten steps & a <title>")
    root = ET.fromstring(svg)
    assert root.get("role") == "img" and root.get("aria-label") == root[0].text == "Ten steps & a <title>"
    assert svg == piece.svg("Ten steps & a <title>") and 'fill="white"' in svg and len(svg) < 60_000


# ---- the shipped model -----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (TRAINED / "music.zip").is_file(), reason="not trained yet")
def test_the_shipped_model_reaches_its_results():
    app = rnn_course.load("music")
    bits = music.bits_per_note(app.model, data.chorales("test"), app.vocabulary)
    assert abs(bits - app.results["bits a note"]) < 0.02 and bits < app.results["bits a note, by counts"]
