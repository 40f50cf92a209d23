"""An import as it is shown."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, Field

from ingest.domain.imports import Import


class ImportView(BaseModel):
    """One file's job. Bytes are of the file as it is, decompressed."""

    id: str
    state: Literal["receiving", "interrupted", "done", "failed", "cancelled"]
    reason: str | None = Field(description="Why it failed")
    source: str
    by: str = Field(description="The name of the API key that began it")
    kind: str | None
    media_type: str
    mapping: dict[str, list[str]] | None
    next_byte: int = Field(description="Where to go on: the beginning of a whole row")
    total_bytes: int | None = Field(description="Null where the sender did not say it")
    rows: int
    accepted: int
    refused: int = Field(description="See the report")
    waiting: int = Field(description="Set aside until their account is known")
    suppressed: int = Field(description="About somebody who was erased; left out")
    rows_per_second: float | None
    remaining_seconds: float | None = Field(description="At the pace so far, where the size is known")
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, job: Import) -> Self:
        """The view of a job."""
        pace, remaining, counts = job.rows_per_second, job.remaining, job.counts
        return cls(
            id=job.id,
            state=job.state.value,
            reason=job.reason,
            source=job.source,
            by=job.by,
            kind=job.form.kind,
            media_type=job.form.media_type,
            mapping=job.form.mapping,
            next_byte=job.next_byte,
            total_bytes=job.total_bytes,
            rows=counts.rows,
            accepted=counts.accepted,
            refused=counts.refused,
            waiting=counts.waiting,
            suppressed=counts.suppressed,
            rows_per_second=None if pace is None else round(pace, 1),
            remaining_seconds=None if remaining is None else round(remaining.total_seconds(), 1),
            started_at=job.started_at,
            updated_at=job.updated_at,
            ended_at=job.ended_at,
        )
