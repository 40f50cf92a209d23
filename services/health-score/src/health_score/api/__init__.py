"""health-score's HTTP side: questions in, read models out."""
