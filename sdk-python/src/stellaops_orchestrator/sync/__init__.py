"""The SDK for programs that do not use asyncio."""
