"""python -m tests.load.health_score: print how fast usage is consumed, beside the plain consumer."""

from tests.load.health_score.consumption import measure

if __name__ == "__main__":
    print(measure())
