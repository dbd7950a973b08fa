"""Whether the access token that the configuration names can be read: nothing starts without it."""

from __future__ import annotations

from pathlib import Path

from config.credentials import resolve_token
from config.errors import ConfigError, CredentialError, Fault
from config.loader import Loaded


def token_fault(loaded: Loaded, directory: Path | None) -> Fault | None:
    """`directory` is that of systemd's credentials."""
    token = loaded.config.http.token
    if token is None:
        return None
    try:
        resolve_token(token, directory=directory)
    except CredentialError as error:
        return loaded.fault(("http", "token"), str(error))
    return None


def check_token(loaded: Loaded, directory: Path | None) -> None:
    """Raises ConfigError."""
    if fault := token_fault(loaded, directory):
        raise ConfigError((fault,))
