"""`vedette detect`: the detector over files instead of cameras."""
