"""Write the generated documents: `python -m tests.contract.documents [release]`.

`release` also makes today's schemas the released ones, unless that would break a reader.
"""

import sys

from tests.contract.documents.compatibility import breaks
from tests.contract.documents.events import event_types
from tests.contract.documents.written import RELEASED, as_json, documents, generated_files, released_schemas


def main() -> int:
    """Write what differs and remove what is gone; answers the exit status."""
    wanted = documents()
    for gone in generated_files() - wanted.keys():
        gone.unlink()
    for file, text in wanted.items():
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            print(file)
    return release() if sys.argv[1:] == ["release"] else 0


def release() -> int:
    """Keep today's schemas as those that readers may rely on."""
    present = {event.name: event.schema for event in event_types()}
    for name, schema in released_schemas().items():
        faults = breaks(schema, present[name]) if name in present else ["the event was removed"]
        for fault in faults:
            sys.stderr.write(f"{name}: {fault}\n")
        if faults:
            return 1
    for name, schema in present.items():
        (RELEASED / f"{name}.json").write_text(as_json(schema), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
