"""Training: `keras.Model.fit`, fast on each device, the same every time, and able to go on after any interruption."""

from rnn_course.training.ctc import CTC
from rnn_course.training.distribution import all_devices
from rnn_course.training.fitting import fit
from rnn_course.training.options import set_precision

__all__ = ["CTC", "all_devices", "fit", "set_precision"]
