"""Why a call or an event is not accepted: what a sender needs to put it right."""


class Refused(ValueError):
    """Something stated by a sender breaks a rule.

    `code` is stable and for programs, `detail` a sentence for people, `pointer` a JSON pointer (RFC 6901) to the
    place, relative to the event.
    """

    def __init__(self, code: str, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.code, self.detail, self.pointer = code, detail, pointer

    def within(self, prefix: str) -> "Refused":
        """The same refusal, its pointer seen from the document that holds the event at `prefix`."""
        return Refused(self.code, self.detail, prefix + self.pointer)
