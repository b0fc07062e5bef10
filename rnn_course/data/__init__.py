"""Data sets and memory tasks: every function returns arrays and says what they are. Nothing is downloaded."""

from .climate import co2, el_nino
from .dates import dates
from .digits import digits
from .electricity import electricity
from .mails import mails
from .memory import adding
from .morse import MORSE, envelope, morse
from .prose import prose, snippets
from .remarks import remarks
from .scenes import scenes
from .series import Series, standardize, time_split, windows
from .stocks import google_stock
from .sunspots import sunspots
from .vocabulary import Vocabulary

__all__ = [
    "MORSE",
    "Series",
    "Vocabulary",
    "adding",
    "co2",
    "dates",
    "digits",
    "el_nino",
    "electricity",
    "envelope",
    "google_stock",
    "mails",
    "morse",
    "prose",
    "remarks",
    "scenes",
    "snippets",
    "standardize",
    "sunspots",
    "time_split",
    "windows",
]
