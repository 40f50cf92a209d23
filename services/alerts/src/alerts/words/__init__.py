"""The words of messages, one file a language."""
