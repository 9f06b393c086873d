"""Text that fits the contract's rules."""

_ELLIPSIS = "…"


def truncate(text: str, max_bytes: int) -> str:
    """``text`` cut to ``max_bytes`` bytes of UTF-8, so that a long message breaks no rule.

    Lone surrogates, which UTF-8 cannot carry, become question marks.
    """
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= max_bytes:
        return encoded.decode("utf-8")
    end = max_bytes - len(_ELLIPSIS.encode())
    return encoded[:end].decode("utf-8", "ignore") + _ELLIPSIS
