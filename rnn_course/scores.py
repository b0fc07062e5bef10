"""Music as notes on staves, engraved by Verovio."""

import html
import itertools
import re

import numpy as np

from rnn_course.data.chorales import sounding

BAR = 8  # steps of an eighth note
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
LENGTHS = {1: 'dur="8"', 2: 'dur="4"', 3: 'dur="4" dots="1"', 4: 'dur="2"', 6: 'dur="2" dots="1"', 8: 'dur="1"'}
HEAD = (
    '<mei xmlns="http://www.music-encoding.org/ns/mei" meiversion="5.0"><meiHead><fileDesc><titleStmt><title/>'
    "</titleStmt><pubStmt/></fileDesc></meiHead><music><body><mdiv><score>"
    '<scoreDef meter.count="4" meter.unit="4"><staffGrp symbol="brace" bar.thru="true">'
    '<staffDef n="1" lines="5" clef.shape="G" clef.line="2"/>'
    '<staffDef n="2" lines="5" clef.shape="F" clef.line="4"/></staffGrp></scoreDef><section>'
)
TAIL = "</section></score></mdiv></body></music></mei>"


def score(voices, upbeat=0, title="A piece for four voices", width=1500):
    """Return a picture of four voices as notes on two staves.

    Parameters
    ----------
    voices : array_like
        Shape (T, 4), as in `rnn_course.data.chorales.Chorale`; every voice starts in the first step.
    upbeat : int
        How many steps stand before the first bar line.
    title : str
        What is seen, in words, for screen readers.
    width : int
        Of a line of music, in Verovio's units: about 1500 hold four bars.

    Returns
    -------
    str
        SVG, black on white.
    """
    import verovio

    toolkit = verovio.toolkit()
    toolkit.setOptions(
        {
            "adjustPageHeight": True,
            "breaks": "auto",
            "footer": "none",
            "header": "none",
            "pageHeight": 60000,
            "pageWidth": width,
            "scale": 40,
            "staffLineWidth": 0.25,
            "svgViewBox": True,
            "xmlIdChecksum": True,
        }
    )
    toolkit.loadData(mei(voices, upbeat))
    svg = smaller(toolkit.renderToSVG(1))
    words = html.escape(title)
    box = re.search('viewBox="0 0 ([0-9]+) ([0-9]+)"', svg)
    start = svg.index(">", svg.index("<svg")) + 1
    ground = f'<title>{words}</title><rect width="{box[1]}" height="{box[2]}" fill="white" style="stroke: none"/>'
    return svg[: start - 1] + f' role="img" aria-label="{words}" color="black">' + ground + svg[start:]


def smaller(svg):
    """Return a picture by Verovio without indents, and without ids and classes that nothing in it refers to."""
    used = set(re.findall("#([a-zA-Z0-9-]+)", svg))
    svg = re.sub(' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    svg = re.sub(' class="((?!.*placeholder)[^"]*)"', "", svg)
    return re.sub(r"\n\s*", "\n", svg)


def mei(voices, upbeat=0):
    """Return voices (T, 4) as a document of the Music Encoding Initiative: notes, tied over the bar lines."""
    voices = np.asarray(voices)
    pitches = sounding(voices)
    cuts = [0, *range(upbeat or BAR, len(voices), BAR), len(voices)]
    bars = []
    for first, last in itertools.pairwise(cuts):
        staves = ""
        for staff in (0, 1):
            layers = ""
            for voice in (2 * staff, 2 * staff + 1):
                notes = tied(voices[:, voice], pitches[:, voice], first, last)
                layers += f'<layer n="{voice % 2 + 1}">{written(notes, ("up", "down")[voice % 2])}</layer>'
            staves += f'<staff n="{staff + 1}">{layers}</staff>'
        bars.append(f'<measure metcon="{"true" if last - first == BAR else "false"}">{staves}</measure>')
    return HEAD + "".join(bars) + TAIL


def tied(starts, pitches, first, last):
    """Return the notes of one voice in one bar: pitch, length, and whether tied from before and to what follows."""
    onsets = [t for t in range(first, last) if t == first or starts[t]]
    notes = []
    for onset, end in zip(onsets, [*onsets[1:], last]):
        lengths = parts_of(end - onset)
        for number, length in enumerate(lengths):
            before = number > 0 or not starts[onset]
            after = number + 1 < len(lengths) or (end == last < len(starts) and not starts[end])
            notes.append((int(pitches[onset]), length, before, after))
    return notes


def parts_of(length):
    """Return the lengths of the notes that together make one of up to a bar."""
    longest = max(known for known in LENGTHS if known <= length)
    return [longest] if longest == length else [longest, *parts_of(length - longest)]


def written(notes, stem):
    """Return the notes of one voice in one bar as MEI."""
    text, altered = "", {}
    for pitch, length, before, after in notes:
        name, octave = NAMES[pitch % 12], pitch // 12 - 1
        sign = {"#": "s", "b": "f"}.get(name[1:], "n")
        shown = "" if altered.get((name[0], octave), "n") == sign or before else f' accid="{sign}"'
        gestural = f' accid.ges="{sign}"' if sign != "n" and not shown else ""
        if not before:
            altered[name[0], octave] = sign
        tie = {(False, True): ' tie="i"', (True, True): ' tie="m"', (True, False): ' tie="t"'}.get((before, after), "")
        pitched = f'pname="{name[0].lower()}" oct="{octave}" {LENGTHS[length]} stem.dir="{stem}"'
        text += f"<note {pitched}{shown}{gestural}{tie}/>"
    return text
