"""`python -m tests.looks OUT [NAME…]`: pages of every message by channel and language, and pictures by Chromium.

With names (`band-worsened`, `daily`, `overflow`, …) only those messages. `MAINSTAY_CHROMIUM` names another browser,
`WIDTH` and `HEIGHT` the pictures' pixels.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from alerts.channels.rendering import ENDINGS
from alerts.domain.destinations import ChannelKind
from alerts.domain.messages import Digest, Message
from alerts.domain.vocabulary import Vocabulary
from alerts.vocabulary import shipped_vocabularies
from tests.looks.messages import messages, overflow
from tests.looks.vendors import drawn, page


def main(out: Path, names: list[str]) -> None:
    """Write the pages, and beside each its picture where there is a browser."""
    out.mkdir(parents=True, exist_ok=True)
    browser = shutil.which(os.environ.get("MAINSTAY_CHROMIUM", "chromium"))
    for language, words in shipped_vocabularies().items():
        for kind in ENDINGS:
            shown = [(name, drawn(kind, told)) for name, told in _all(kind, words) if not names or name in names]
            file = out / f"{kind.value}.{language.value}.html"
            file.write_text(page(shown, language.value), encoding="utf-8")
            if browser:
                _picture(browser, file)
            sys.stdout.write(f"{file}\n")


def _all(kind: ChannelKind, words: Vocabulary) -> list[tuple[str, Message | Digest]]:
    found: list[tuple[str, Message | Digest]] = list(messages(words))
    return found if kind is ChannelKind.EMAIL else [*found, ("overflow", overflow(words))]


def _picture(browser: str, file: Path) -> None:
    size = f"{os.environ.get('WIDTH', '1600')},{os.environ.get('HEIGHT', '6000')}"
    how = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={size}"]
    to = f"--screenshot={file.with_suffix('.png')}"
    subprocess.run([browser, *how, to, file.resolve().as_uri()], check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
