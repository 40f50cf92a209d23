"""What goes in over HTTP when people do something with an alert."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from alerts.domain.handling import Feedback, Outcome

Comment = Annotated[str | None, Field(default=None, min_length=1, max_length=2_000)]
Person = Annotated[str, Field(min_length=1, max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ResolveBody(_Body):
    """Why an alert is settled, and what came of it."""

    reason: str | None = Field(default=None, max_length=2_000)
    outcome: Outcome | None = None


class AssignBody(_Body):
    """Who has an alert from now on."""

    to: Person | None = Field(description="The id of a person; null: whoever has the account")
    comment: Comment


class CommentBody(_Body):
    """Something said about an alert."""

    comment: str = Field(min_length=1, max_length=2_000)


class FeedbackBody(_Body):
    """Whether an alert was right, right but too early, or wrong: what the figures of its rule are made of."""

    feedback: Feedback
    comment: Comment
