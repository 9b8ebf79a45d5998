"""What reps do, what comes of it, and on which deals it is spent."""

__all__: list[str] = []
