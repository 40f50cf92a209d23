"""The words every domain may use: clocks, ids and civil time. Standard library only."""
