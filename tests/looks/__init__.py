"""Messages as people see them: every message that there is, drawn as its channel shows it. See docs/messages.md."""
