"""How far the entries of the CRM can be trusted, and whether it matters."""

__all__: list[str] = []
