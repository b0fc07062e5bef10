"""Pictures of recurrent networks, for the book and for your own networks.

Every diagram is drawn from the same parts, so a sign means the same thing in every chapter. Color never
stands alone: each role has its own shape, too.

========== ================ =============
role       shape            color
========== ================ =============
input      circle           blue
hidden     rounded box      vermilion
output     diamond          bluish green
weights    rectangle        purple
operation  small circle     dark grey
========== ================ =============

An arrow has the color of what it carries. `rnn_course.drawing.parts` holds the parts, for new diagrams.
"""

from rnn_course.drawing.animation import animate_unrolling
from rnn_course.drawing.architectures import (
    bidirectional,
    deep,
    encoder_decoder,
    four_shapes,
    one_to_one,
    sequence_to_sequence,
    sequence_to_vector,
    vector_to_sequence,
)
from rnn_course.drawing.attention import attention
from rnn_course.drawing.backward import backward, truncated
from rnn_course.drawing.checkpoints import checkpointing
from rnn_course.drawing.gates import gru_cell, lstm_cell
from rnn_course.drawing.maps import heat_map
from rnn_course.drawing.networks import feedforward_and_recurrent, layers, rolled, rolled_and_unrolled, unrolled
from rnn_course.drawing.neurons import neuron, neuron_with_output
from rnn_course.drawing.parallel import data_parallel
from rnn_course.drawing.scans import parallel_scan
from rnn_course.drawing.strips import strip
from rnn_course.drawing.style import COLORS, use_style

__all__ = [
    "COLORS",
    "animate_unrolling",
    "attention",
    "backward",
    "bidirectional",
    "checkpointing",
    "data_parallel",
    "deep",
    "encoder_decoder",
    "feedforward_and_recurrent",
    "four_shapes",
    "gru_cell",
    "heat_map",
    "layers",
    "lstm_cell",
    "neuron",
    "neuron_with_output",
    "one_to_one",
    "parallel_scan",
    "rolled",
    "rolled_and_unrolled",
    "sequence_to_sequence",
    "sequence_to_vector",
    "strip",
    "truncated",
    "unrolled",
    "use_style",
    "vector_to_sequence",
]
