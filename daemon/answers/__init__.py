"""From answer to message: the rules of a camera, numbering, drawing."""
