"""Warnings, imported only when one is given."""


def warn(message: str, category: type[Warning] = UserWarning, stacklevel: int = 2) -> None:
    """Warn at the caller of the function that calls this one; more with a higher `stacklevel`."""
    import warnings

    warnings.warn(message, category, stacklevel=stacklevel + 1)
