"""The picture of every object at its best moment, kept in memory while somebody wants it."""
