"""What may go wrong at start-up and at a reload, beside what the other packages raise.

ListenError   the address cannot be listened on, or the access token cannot be read
"""

from __future__ import annotations


class ListenError(Exception):
    """One line for the operator: what of `http` cannot be had, and why not."""
