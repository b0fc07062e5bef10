"""One step of the network as an ONNX graph, for the page."""

import numpy as np
import onnx
import onnx.parser

from tools.character_network.files import FOLDER, write

# One step: equations `lstm` of the book, and the softmax that reads h_t. H units, K characters.
GRAPH = """
<ir_version: 10, opset_import: ["" : 21]>
step (int32[1] x, float[1, H] h_before, float[1, H] c_before)
    => (float[1, K] y, float[1, H] h, float[1, H] c, float[1, H] f, float[1, H] i, float[1, H] o, float[1, H] g)
{
    # x is the number of a character: W_x times its one-hot vector is a row of W_x
    of_x = Gather (W_x, x)
    of_h = MatMul (h_before, W_h)
    of_both = Add (of_x, of_h)
    sums = Add (of_both, b)
    sum_i, sum_f, sum_g, sum_o = Split <axis = 1, num_outputs = 4> (sums)
    i = Sigmoid (sum_i)
    f = Sigmoid (sum_f)
    g = Tanh (sum_g)
    o = Sigmoid (sum_o)

    kept = Mul (f, c_before)
    written = Mul (i, g)
    c = Add (kept, written)
    squashed = Tanh (c)
    h = Mul (o, squashed)

    of_state = MatMul (h, W_y)
    scores = Add (of_state, b_y)
    y = Softmax <axis = 1> (scores)
}
"""


def export(model):
    """Write the trained weights and GRAPH as model.onnx."""
    graph = onnx.parser.parse_model(GRAPH)
    for name, weight in zip(("W_x", "W_h", "b", "W_y", "b_y"), model.get_weights(), strict=True):
        graph.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(weight, "float32"), name))
    onnx.checker.check_model(graph, full_check=True)
    write(FOLDER / "model.onnx", graph.SerializeToString())
