"""Apple's GPUs, which are not supported."""


def is_available() -> bool:
    """Return False: tensors cannot be on such a device."""
    return False


def is_built() -> bool:
    """Return False: nothing here is built for such a device."""
    return False
