"""How leads are handled: how fast, how often, by whom, from where, and at what cost."""

__all__: list[str] = []
