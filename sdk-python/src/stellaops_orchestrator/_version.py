"""The version of this package."""

__version__ = "0.1.0"

SDK_NAME = f"sdk-python/{__version__}"
"""How the SDK names itself to the server, in every Hello."""
