"""The HTTP side every service shares: application factory, problems, keys and scopes, pagination."""
