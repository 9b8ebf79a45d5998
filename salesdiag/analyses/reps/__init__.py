"""Whom did I inherit: who sells, who is new, who carries what, and did a measure help."""

__all__: list[str] = []
