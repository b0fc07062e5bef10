"""Bach's chorales: what is written down is what music21 reads, and no melody is in two splits."""

import itertools

import numpy as np
import pytest

from rnn_course import data
from rnn_course.data.chorales import FILE, SPLITS

ALL = {split: data.chorales(split) for split in SPLITS}


def test_shapes_ranges_and_sizes():
    assert [len(ALL[split]) for split in SPLITS] == [263, 30, 32] and FILE.stat().st_size < 200_000
    assert len({c.name for c in itertools.chain(*ALL.values())}) == 323  # two are there in two versions
    for chorale in itertools.chain(*ALL.values()):
        assert chorale.voices.dtype == np.int32 and chorale.voices.shape == (len(chorale.voices), 4)
        assert chorale.voices[0].all() and chorale.upbeat in range(8) and chorale.name.startswith("BWV ")
        notes = chorale.voices[chorale.voices > 0]
        assert notes.min() >= 31 and notes.max() <= 84


def test_they_are_in_c_major_or_a_minor():
    """Nearly all notes are on white keys, and nearly all last bass notes are a C or an A."""
    notes = np.concatenate([c.voices[c.voices > 0] for c in itertools.chain(*ALL.values())]) % 12
    assert np.isin(notes, [0, 2, 4, 5, 7, 9, 11]).mean() > 0.9
    last = [data.sounding(c.voices)[-1, 3] % 12 for c in itertools.chain(*ALL.values())]
    assert np.isin(last, [0, 9]).mean() > 0.75


def test_no_melody_is_in_two_splits():
    """Not even twelve beats of one, in whatever key."""
    runs = {}
    for split, chorales in ALL.items():
        runs[split] = set()
        for chorale in chorales:
            beats = data.sounding(chorale.voices[:, 0])[chorale.upbeat % 2 :: 2]
            windows = np.lib.stride_tricks.sliding_window_view(beats, 12)
            runs[split] |= {tuple(w) for w in (windows - windows[:, :1]).tolist()}
    for a, b in itertools.combinations(SPLITS, 2):
        assert not runs[a] & runs[b]


def test_one_of_them_is_what_music21_reads():
    """The notes of each part on every eighth, moved by one interval."""
    music21 = pytest.importorskip("music21")
    chorale = next(c for c in itertools.chain(*ALL.values()) if c.name == "BWV 66.6")
    score = music21.corpus.parse("bach/bwv66.6")
    apart = set()
    for voice, part in zip(data.sounding(chorale.voices).T, score.parts, strict=True):
        notes = [n for n in part.flatten().notes]
        for step, pitch in enumerate(voice.tolist()):
            heard = [n for n in notes if n.offset <= step / 2 < n.offset + n.quarterLength]
            apart.add(pitch - heard[0].pitch.midi)
    assert len(apart) == 1 and -6 <= apart.pop() <= 6


def test_sounding_fills_what_is_held():
    voices = [[60, 50], [0, 0], [62, 0], [0, 48]]
    assert data.sounding(voices).tolist() == [[60, 50], [60, 50], [62, 50], [62, 48]]
    assert data.sounding([0, 7, 0, 5]).tolist() == [0, 7, 7, 5]


def test_an_unknown_split_is_named():
    with pytest.raises(ValueError, match="split must be 'train' or 'valid' or 'test', got 'all'"):
        data.chorales("all")
