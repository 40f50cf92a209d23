"""The rules of what may come in and what it means: plain data, no wire formats, no I/O."""
