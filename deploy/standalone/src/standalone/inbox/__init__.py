"""A local inbox: what the demo's chat messages, webhooks and e-mails look like to the people who receive them.

It is a place to look, for trials and development. It has no access control and binds the loopback address.
"""
