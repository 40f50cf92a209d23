"""python -m tests.load.health_score: print how fast usage is consumed, beside other ways to do it."""

from tests.load.health_score.consumption import main

if __name__ == "__main__":
    main()
