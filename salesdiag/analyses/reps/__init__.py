"""Whom did I inherit: who sells what others would, who is new, who carries what, and did help help."""

__all__: list[str] = []
