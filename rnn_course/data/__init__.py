"""Data sets and memory tasks: every function returns arrays and says what they are. Only `imdb` downloads anything."""

from .chorales import Chorale, chorales, sounding
from .climate import co2, el_nino
from .dates import dates
from .digits import digits
from .electricity import electricity
from .hold import hold
from .house_numbers import house_numbers, spelled
from .imdb import imdb
from .mails import mails
from .memory import adding, copy, embedded_reber, temporal_order
from .morse import MORSE, envelope, morse
from .prose import prose, snippets
from .questions import questions
from .radio import morse_messages, spectrogram
from .remarks import remarks
from .reviews import reviews
from .scenes import scenes
from .series import Series, rolling_origins, standardize, time_split, windows
from .stocks import google_stock
from .sunspots import sunspots
from .synthetic import synthetic_series
from .translations import LANGUAGES, language_pairs, translations
from .vocabulary import Vocabulary

__all__ = [
    "LANGUAGES",
    "MORSE",
    "Chorale",
    "Series",
    "Vocabulary",
    "adding",
    "chorales",
    "co2",
    "copy",
    "dates",
    "digits",
    "el_nino",
    "electricity",
    "embedded_reber",
    "envelope",
    "google_stock",
    "hold",
    "house_numbers",
    "imdb",
    "language_pairs",
    "mails",
    "morse",
    "morse_messages",
    "prose",
    "questions",
    "remarks",
    "reviews",
    "rolling_origins",
    "scenes",
    "snippets",
    "sounding",
    "spectrogram",
    "spelled",
    "standardize",
    "sunspots",
    "synthetic_series",
    "temporal_order",
    "time_split",
    "translations",
    "windows",
]
