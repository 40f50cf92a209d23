"""The pack for a review as a page: one file that loads nothing, runs nothing, and prints on A4."""

from base64 import b64encode
from functools import partial
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from health_score.api.report_chart import chart
from health_score.application.report_views import CustomerReport, InternalReport
from mainstay.language.catalogue import Catalogue
from mainstay.language.manner import Manner
from mainstay.language.negotiation import Language

_PACKAGE: Final = "health_score.api"


class Page:
    """Makes pages of reports. The texts around them are in `texts`, one file a language."""

    def __init__(self) -> None:
        environment = Environment(
            loader=PackageLoader(_PACKAGE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = environment.get_template("report.html.jinja")
        self._style = (files(_PACKAGE) / "templates" / "report.css").read_text(encoding="utf-8")
        self.texts = Catalogue(files(_PACKAGE) / "texts")

    @property
    def headers(self) -> dict[str, str]:
        """The page may show its own style, and nothing else: no script, no image, no form, no frame."""
        digest = b64encode(sha256(self._style.encode()).digest()).decode()
        return {
            "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none';"
            " form-action 'none'; frame-ancestors 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }

    def html(self, report: CustomerReport | InternalReport, language: Language) -> str:
        """The page of a report."""
        manner = Manner(language)
        return self._template.render(
            pack=report.pack,
            internal=report.internal if isinstance(report, InternalReport) else None,
            language=language.value,
            style=Markup(self._style),  # noqa: S704 - a file of ours
            chart=Markup(chart(report.pack.use, manner, self.texts)),  # noqa: S704 - figures and texts of ours
            t=partial(self._text, language),
            manner=manner,
        )

    def _text(self, language: Language, key: str, **params: Any) -> str:
        return self.texts.text(key, params, language)
