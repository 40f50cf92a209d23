"""Speaking the reader's language: which one it is, and messages by key and parameters in it."""
