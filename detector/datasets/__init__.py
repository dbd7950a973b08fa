"""Pictures with boxes from files of other people, checked."""
