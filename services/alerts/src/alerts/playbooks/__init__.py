"""The playbooks that come with Mainstay."""
