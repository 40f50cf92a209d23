"""`python -m standalone` is the command `mainstay`."""

from standalone.cli import app

if __name__ == "__main__":
    app(prog_name="mainstay")
