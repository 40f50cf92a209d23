"""What every service stands on, and how it is run as a process: the kits, wired the same way each time."""
