"""`python -m standalone.demo`: the same as `mainstay demo`."""

from standalone.demo.command import demonstrate

if __name__ == "__main__":
    demonstrate()
