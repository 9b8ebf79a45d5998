"""What is given away on the price, what it brings, and who gives it."""

__all__: list[str] = []
