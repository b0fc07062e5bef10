"""Make rnn_course/data/chorales.npz: chorales by Johann Sebastian Bach, from the corpus that comes with music21.

    python -m tools.chorales

It takes about two minutes. `rnn_course.data.chorales` says what is kept, and how it is written down.
"""

import random
import re
from pathlib import Path

import numpy as np

from rnn_course.data.chorales import FILE, SPLITS, sounding

SHARED = 12  # beats in a row that make two melodies one
SHARES = (0.8, 0.1, 0.1)


def main():
    from music21 import corpus

    found = {}
    for path in corpus.getComposer("bach"):
        name = Path(path).stem
        if re.fullmatch(r"bwv[\d.]+(-\w+)?", name) and (chorale := read(corpus.parse(path))):
            found.setdefault(chorale[0].tobytes(), (name.replace("bwv", "BWV "), *chorale))
    rows = sorted(found.values(), key=lambda row: [int(part) for part in re.findall(r"\d+", row[0])])
    names, voices, upbeats = zip(*rows)
    np.savez_compressed(
        FILE,
        names=np.array(names),
        lengths=np.array([len(v) for v in voices], "int32"),
        voices=np.concatenate(voices).astype("uint8"),
        upbeats=np.array(upbeats, "uint8"),
        splits=np.array(split_by_melody(voices, upbeats), "uint8"),
    )
    print(f"{len(names)} chorales, {FILE.stat().st_size:,} bytes")


def read(score):
    """Return voices (T, 4) and upbeat of a score; None unless it has four parts, all there from the first step on."""
    signatures = {time.ratioString for time in score.recurse().getElementsByClass("TimeSignature")}
    if len(score.parts) != 4 or signatures != {"4/4"}:
        return None
    by = semitones_to_c_or_a(score.analyze("key"))
    voices = [steps(part.stripTies().flatten().notes, by) for part in score.parts]
    first = min(int(np.flatnonzero(voice)[0]) for voice in voices)
    end = max(map(len, voices))
    voices = np.stack([np.pad(voice, (0, end - len(voice))) for voice in voices], axis=1)[first:]
    bar = score.parts[0].getElementsByClass("Measure")[0].duration.quarterLength
    return (voices, int(2 * bar - first) % 8) if voices[0].all() else None


def semitones_to_c_or_a(key):
    """Return by how much a piece in this key is to move, -6 to 5."""
    return ({"major": 0, "minor": 9}[key.mode] - key.tonic.pitchClass + 6) % 12 - 6


def steps(notes, by):
    """Return (T,): at each eighth the pitch of the note heard, moved, or 0 if it was there an eighth before."""
    heard = np.full(int(2 * (notes[-1].offset + notes[-1].quarterLength)), -1)
    for number, note in enumerate(notes):  # from its first eighth to the next note's
        heard[int(np.ceil(2 * note.offset)) :] = number
    pitches = np.array([note.pitch.midi + by for note in notes])
    return np.where(np.diff(heard, prepend=-1) != 0, pitches[heard], 0)


def split_by_melody(voices, upbeats):
    """Return each chorale's number in SPLITS: those whose sopranos have `SHARED` beats in common get the same."""
    groups, owner = list(range(len(voices))), {}
    for number, (steps, upbeat) in enumerate(zip(voices, upbeats)):
        beats = sounding(steps[:, 0])[upbeat % 2 :: 2]
        for first in range(len(beats) - SHARED + 1):
            run = tuple(beats[first : first + SHARED] - beats[first])
            old, new = groups[owner.setdefault(run, number)], groups[number]
            groups = [new if group == old else group for group in groups]
    members = sorted(set(groups))
    random.Random(0).shuffle(members)
    bounds = np.cumsum(SHARES) * len(voices)
    split, filled = {}, 0
    for group in members:
        split[group] = min(int(np.searchsorted(bounds, filled, side="right")), len(SPLITS) - 1)
        filled += groups.count(group)
    return [split[group] for group in groups]


if __name__ == "__main__":
    main()
