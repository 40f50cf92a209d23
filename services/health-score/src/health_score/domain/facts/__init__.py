"""Facts: what others stated about an account and the things around it (tickets, contacts, …), as of any instant."""
