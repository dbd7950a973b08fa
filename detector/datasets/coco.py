"""COCO JSON: one "instances" file per split, pictures beside it.

One addition to the format: `"unlabelled"` of an image, a list of names of categories that nobody
looked for in that picture, so that an object of theirs may be in it without a box.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from config.files import open_regular
from detector.datasets.errors import DataError, Fault
from detector.datasets.listing import ListedBox, ListedPicture, Listing, numbers


def find_file(folder: Path, split: str | None) -> Path:
    """`SPLIT.json` or `annotations/instances_SPLIT.json` in a folder. Raises DataError."""
    if split is None:
        raise DataError(folder, "is no VOC folder; of a folder with COCO files choose a split")
    candidates = (folder / f"{split}.json", folder / "annotations" / f"instances_{split}.json")
    for file in candidates:
        if file.is_file():
            return file
    raise DataError(
        folder, f"holds neither VOC data nor {candidates[0].name} for the split {split}"
    )


def read(path: Path) -> Listing:
    """Crowds become regions to ignore; labels keep the order of the categories. Raises DataError
    for a file of another kind.
    """
    images, annotations, categories = _lists(path)
    names = _names(path, categories)
    pictures: dict[Any, ListedPicture] = {}
    known = frozenset(names.values())
    folders = _picture_folders(path)
    faults = [
        *_each(path, "images", images, lambda entry: _add_picture(entry, pictures, folders, known)),
        *_each(path, "annotations", annotations, lambda entry: _add_box(entry, pictures, names)),
    ]
    return Listing(tuple(dict.fromkeys(names.values())), list(pictures.values()), faults)


def _each(path: Path, key: str, entries: list[Any], add: Callable[[Any], None]) -> Iterator[Fault]:
    """Add every entry of a list; a fault for each that has not what it takes."""
    for position, entry in enumerate(entries):
        try:
            add(entry)
        except (KeyError, TypeError, ValueError) as error:
            yield Fault(path, f"{key}[{position}]: {_words(error)}")


def _lists(path: Path) -> tuple[list[Any], list[Any], list[Any]]:
    try:
        with open_regular(path) as file:
            document = json.load(file)
        images, annotations, categories = (
            document[key] for key in ("images", "annotations", "categories")
        )
    except OSError as error:
        raise DataError(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(path, f"is not JSON: {_words(error)}") from None
    except (KeyError, TypeError):
        raise DataError(path, "has no images, annotations and categories as COCO files") from None
    if not all(isinstance(each, list) for each in (images, annotations, categories)):
        raise DataError(path, "images, annotations and categories are not lists as in COCO files")
    return images, annotations, categories


def _names(path: Path, categories: list[Any]) -> dict[Any, str]:
    try:
        return {entry["id"]: str(entry["name"]) for entry in categories}
    except (KeyError, TypeError):
        raise DataError(path, "its categories are not all of an id and a name") from None


def _add_picture(
    entry: Mapping[str, Any],
    pictures: dict[Any, ListedPicture],
    folders: list[Path],
    names: Collection[str],
) -> None:
    number, name = entry["id"], entry["file_name"]
    if number in pictures:
        raise ValueError("another one has the same id")
    if not isinstance(name, str) or not name:
        raise ValueError("its file_name is not a name")
    found = (folder / name for folder in folders if (folder / name).is_file())
    pictures[number] = ListedPicture(
        next(found, folders[0] / name),
        image_id=number if isinstance(number, int) else None,
        stated_wh=_stated_wh(entry.get("width"), entry.get("height")),
        unlabelled=_unlabelled(entry.get("unlabelled", ()), names),
    )


def _stated_wh(width: object, height: object) -> tuple[int, int] | None:
    """None where a tool left it out or wrote zeros."""
    known = isinstance(width, int) and isinstance(height, int) and width and height
    return (width, height) if known else None  # type: ignore[return-value]  # both are int


def _unlabelled(stated: object, names: Collection[str]) -> tuple[str, ...]:
    if not isinstance(stated, list | tuple) or not all(isinstance(name, str) for name in stated):
        raise ValueError("its unlabelled is not a list of names")
    if missing := [name for name in stated if name not in names]:
        msg = f"its unlabelled {missing[0]} is none of the categories"
        raise ValueError(msg)
    return tuple(stated)


def _add_box(
    entry: Mapping[str, Any], pictures: Mapping[Any, ListedPicture], names: Mapping[Any, str]
) -> None:
    image_id, category_id = entry["image_id"], entry["category_id"]
    if image_id not in pictures:
        msg = f"there is no image {image_id}"
        raise ValueError(msg)
    if category_id not in names:
        msg = f"there is no category {category_id}"
        raise ValueError(msg)
    x, y, width, height = numbers(entry["bbox"])
    box = ListedBox(names[category_id], (x, y, x + width, y + height), bool(entry.get("iscrowd")))
    pictures[image_id].boxes.append(box)


def _picture_folders(path: Path) -> list[Path]:
    """Beside the file, in `images`, or as COCO itself is unpacked: `../val2017`."""
    here, above = path.parent, path.parent.parent
    split = path.stem.removeprefix("instances_")
    return [
        here,
        here / "images",
        here / split,
        above / split,
        above / "images" / split,
        above / "images",
    ]


def _words(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]}"
    return str(error) or type(error).__name__
