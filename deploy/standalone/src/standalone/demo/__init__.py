"""A portfolio to look at: invented customers, their history and their days, sent through the real HTTP API.

`standalone.demo.run.run(settings)` is the whole of it.
"""
