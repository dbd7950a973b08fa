"""Cameras that are asked over HTTP: a client within bounds, and the pictures in its answers."""

from daemon.capture.http.client import Answer, Client, Question
from daemon.capture.http.fetcher import Fetcher
from daemon.capture.http.jpeg import size_of
from daemon.capture.http.line import Patience
from daemon.capture.http.pictures import QUESTION, Jpeg, Kind, Pictures, kind_of
from daemon.capture.http.place import Place

__all__ = [
    "QUESTION",
    "Answer",
    "Client",
    "Fetcher",
    "Jpeg",
    "Kind",
    "Patience",
    "Pictures",
    "Place",
    "Question",
    "kind_of",
    "size_of",
]
