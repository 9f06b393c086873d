"""Bytes that jobs produce or read, named by their SHA-256."""
