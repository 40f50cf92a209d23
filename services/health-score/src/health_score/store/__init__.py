"""health-score's tables and every statement on them."""
