"""What the papers describe: sizes, backbones, pyramids, heads."""
