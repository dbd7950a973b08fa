"""How a network runs in whole numbers: LiteRT and NumPy, without TensorFlow."""
