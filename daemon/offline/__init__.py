"""Files instead of cameras: the detector over them, labelled pictures made of recordings."""
