"""What health-score does: commands and handlers, each in one transaction, and the questions it answers."""
