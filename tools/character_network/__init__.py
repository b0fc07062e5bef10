"""The network of the page book/character-network.md: trained, written as an ONNX graph, measured and drawn.

    python -m tools.character_network train      # half an hour on one core; stopped, it goes on where it was
    python -m tools.character_network measure    # export and measure the trained model again
    python -m tools.character_network picture    # the static picture of the page

What they write is in book/_static/character-network: `model.keras` for Python, `model.onnx` for the page, and
`model.json`, which says what the network was trained on and how good it is.
"""
