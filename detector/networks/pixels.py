"""How bytes become a network's numbers, and where the picture lies among them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from detector.letterbox import Align, InputSpec

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class PixelRule:
    """A number is (pixel - mean) / std, for RGB pixels in 0..255. Around the picture lies the whole
    number `fill`, treated as a pixel; without one, exactly 0: a mean colour need not be whole.
    """

    mean_rgb: Rgb
    std_rgb: Rgb
    align: Align = "top_left"
    fill: int | None = None

    def input_spec(self, side: int) -> InputSpec:
        """For a square input of `side` pixels."""
        if self.fill is not None:
            return InputSpec(side, side, self.align, (self.fill,) * 3)
        red, green, blue = (round(channel) for channel in self.mean_rgb)
        return InputSpec(side, side, self.align, (red, green, blue))

    @property
    def stretched(self) -> PixelRule:
        """The same numbers of a picture that fills the input."""
        return replace(self, align="stretch")


IMAGENET = PixelRule(
    (0.485 * 255, 0.456 * 255, 0.406 * 255), (0.229 * 255, 0.224 * 255, 0.225 * 255)
)
IMAGENET_ON_GREY = replace(IMAGENET, align="center", fill=128)
LITE = PixelRule((127.0,) * 3, (128.0,) * 3)
ADVPROP = PixelRule((127.5,) * 3, (127.5,) * 3)
UNIT_ON_GREY = PixelRule((0.0,) * 3, (255.0,) * 3, "center", 128)
