"""What is open, how old it is, how fast it moves and what became of it since."""

__all__: list[str] = []
