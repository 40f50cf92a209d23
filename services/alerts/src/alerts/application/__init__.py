"""What the alerts service does: handlers of what it hears, commands of people, and the delivery of messages."""
