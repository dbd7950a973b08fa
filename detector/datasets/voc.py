"""Pascal VOC: `JPEGImages`, `Annotations` with one XML file per picture, `ImageSets/Main`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from config.files import open_regular
from detector.datasets.errors import DataError, Fault
from detector.datasets.listing import ListedBox, ListedPicture, Listing, numbers

_SPLITS = Path("ImageSets/Main")
_MAX_XML_BYTES = 4 * 1024**2


def find_folders(path: Path) -> list[Path]:
    """`VOC2007` itself, or the years in `VOCdevkit`; nothing where it is something else."""
    candidates = [path, *sorted(entry for entry in path.iterdir() if entry.is_dir())]
    return [
        folder
        for folder in candidates
        if (folder / "Annotations").is_dir() and (folder / "JPEGImages").is_dir()
    ]


def read(folders: Sequence[Path], split: str | None) -> Listing:
    """The pictures of a split, as in `trainval`; without one, everything that has an annotation.
    Difficult objects become regions to ignore. Raises DataError.
    """
    pictures: list[ListedPicture] = []
    faults: list[Fault] = []
    for folder in _with_split(folders, split):
        images = {image.stem: image for image in sorted((folder / "JPEGImages").iterdir())}
        for name in _names(folder, split):
            annotation = folder / "Annotations" / f"{name}.xml"
            image = images.get(name, folder / "JPEGImages" / f"{name}.jpg")
            try:
                pictures.append(_picture(image, annotation, faults))
            except ValueError as error:
                faults.append(Fault(annotation, str(error)))
    labels = sorted({box.label for picture in pictures for box in picture.boxes})
    return Listing(tuple(labels), pictures, faults)


def _with_split(folders: Sequence[Path], split: str | None) -> list[Path]:
    """A year may lack a split: VOC2012 has no `test`."""
    if split is None:
        return list(folders)
    having = [folder for folder in folders if (folder / _SPLITS / f"{split}.txt").is_file()]
    if not having:
        known = {file.stem for folder in folders for file in (folder / _SPLITS).glob("*.txt")}
        raise DataError(
            folders[0], f"there is no split {split} (known: {', '.join(sorted(known)) or 'none'})"
        )
    return having


def _names(folder: Path, split: str | None) -> list[str]:
    if split is None:
        return sorted(file.stem for file in (folder / "Annotations").glob("*.xml"))
    file = folder / _SPLITS / f"{split}.txt"
    try:
        with open_regular(file) as opened:
            lines = opened.read().decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise DataError(file, "is not a list of pictures that can be read") from None
    return [line.split()[0] for line in lines if line.strip()]


def _picture(image: Path, annotation: Path, faults: list[Fault]) -> ListedPicture:
    """Raises ValueError where the whole annotation is of no use."""
    root = _parse(annotation)
    boxes = []
    for number, element in enumerate(root.findall("object"), start=1):
        try:
            boxes.append(_box(element))
        except ValueError as error:
            faults.append(Fault(annotation, f"object {number}: {error}"))
    return ListedPicture(image, boxes, stated_wh=_size(root))


def _box(element: Element) -> ListedBox:
    label = (element.findtext("name") or "").strip()
    if not label:
        raise ValueError("it has no name")
    sides = [element.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
    x1, y1, x2, y2 = numbers(sides)
    # The first pixel is 1 and the last one belongs to the box.
    return ListedBox(label, (x1 - 1, y1 - 1, x2, y2), element.findtext("difficult") == "1")


def _size(root: Element) -> tuple[int, int] | None:
    """None where a tool left it out or wrote zeros."""
    try:
        width, height = (int(root.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    except ValueError:
        return None
    return (width, height) if width and height else None


def _parse(path: Path) -> Element:
    """An XML file without a document type, so without entities to expand. Raises ValueError."""
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse
    try:
        with open_regular(path) as file:
            data = file.read(_MAX_XML_BYTES + 1)
        if len(data) > _MAX_XML_BYTES:
            raise ValueError("is too long for an annotation")
        parser.Parse(data, True)
    except FileNotFoundError:
        raise ValueError("does not exist") from None
    except OSError as error:
        msg = f"cannot be read: {error.strerror}"
        raise ValueError(msg) from None
    except (expat.ExpatError, LookupError) as error:
        msg = f"is not XML: {error}"
        raise ValueError(msg) from None
    return builder.close()


def _refuse(*_: object) -> NoReturn:
    raise ValueError("declares a document type, which annotations have no need of")
