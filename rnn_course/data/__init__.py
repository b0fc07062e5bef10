"""Data sets and memory tasks: every function returns arrays and says what they are. Nothing is downloaded."""

from .climate import co2, el_nino
from .dates import dates
from .digits import digits
from .electricity import electricity
from .hold import hold
from .house_numbers import house_numbers, spelled
from .mails import mails
from .memory import adding, copy, embedded_reber, temporal_order
from .morse import MORSE, envelope, morse
from .prose import prose, snippets
from .radio import morse_messages, spectrogram
from .remarks import remarks
from .scenes import scenes
from .series import Series, rolling_origins, standardize, time_split, windows
from .stocks import google_stock
from .sunspots import sunspots
from .vocabulary import Vocabulary

__all__ = [
    "MORSE",
    "Series",
    "Vocabulary",
    "adding",
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
    "mails",
    "morse",
    "morse_messages",
    "prose",
    "remarks",
    "rolling_origins",
    "scenes",
    "snippets",
    "spectrogram",
    "spelled",
    "standardize",
    "sunspots",
    "temporal_order",
    "time_split",
    "windows",
]
