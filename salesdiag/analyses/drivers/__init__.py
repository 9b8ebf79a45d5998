"""Which factors make the gap, as parts that add up, and what moving one would bring."""

__all__: list[str] = []
