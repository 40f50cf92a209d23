"""The bodies that channels send, drawn as their vendors lay them out: as near as is worth it, with nothing added."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from alerts.bootstrap import TEMPLATE_READERS
from alerts.channels.rendering import ENDINGS, Templates
from alerts.domain.destinations import ChannelKind
from alerts.domain.messages import Digest, Message

_EMOJI = {
    ":red_circle:": "🔴",
    ":large_yellow_circle:": "🟡",
    ":information_source:": "ℹ️",
    ":white_check_mark:": "✅",
}
_ROBOT_COLOURS = {"info": "#2aae67", "comment": "#8c8c8c", "warning": "#e8733a"}
_TEMPLATES = Templates()


def drawn(kind: ChannelKind, message: Message | Digest) -> str:
    """The message as HTML, in a box of the vendor's width. Of mail its HTML part."""
    ending = ENDINGS[kind][-1]
    body = _TEMPLATES.render(kind, ending, message, TEMPLATE_READERS[kind])
    return f'<div class="{kind.value}">{_DRAW[kind](body)}</div>'


def _slack(body: Any) -> str:
    parts = []
    for block in body["blocks"]:
        match block["type"]:
            case "header":
                parts.append(f"<h3>{_lines(block['text']['text'])}</h3>")
            case "section" if "text" in block:
                parts.append(f"<p>{_slack_text(block['text'])}</p>")
            case "section":
                fields = "".join(f"<div>{_slack_text(field)}</div>" for field in block["fields"])
                parts.append(f'<div class="fields">{fields}</div>')
            case "actions":
                buttons = "".join(f"<a class=button>{_lines(each['text']['text'])}</a>" for each in block["elements"])
                parts.append(f"<p>{buttons}</p>")
            case _:
                elements = "".join(f"<span>{_slack_text(each)}</span>" for each in block["elements"])
                parts.append(f'<div class="context">{elements}</div>')
    return "".join(parts)


def _slack_text(text: Mapping[str, Any]) -> str:
    if text["type"] == "plain_text":
        return _lines(text["text"])
    said = text["text"]
    for code, sign in _EMOJI.items():
        said = said.replace(code, sign)
    shown = ""
    while "<" in said:
        before, _, rest = said.partition("<")
        inside, _, said = rest.partition(">")
        _, _, title = inside.partition("|")
        shown += before + (f"<a>{escape(title)}</a>" if title else f"<b>@{escape(inside[1:])}</b>")
    return f"{shown}{said}"


def _teams(body: Any) -> str:
    card = body["attachments"][0]["content"]
    made = "".join(_teams_item(each) for each in card["body"])
    actions = "".join(f"<a class=button>{escape(each['title'])}</a>" for each in card.get("actions", ()))
    return made + (f"<p>{actions}</p>" if actions else "")


def _teams_item(item: Any) -> str:
    gap = {"None": 0, "Small": 4, "Medium": 12}.get(item.get("spacing", ""), 8)
    line = "border-top:1px solid #ddd;padding-top:8px;" if item.get("separator") else ""
    style = f'style="margin-top:{gap}px;{line}"'
    match item["type"]:
        case "Container":
            return f'<div class="{item["style"]}">{"".join(_teams_item(each) for each in item["items"])}</div>'
        case "ColumnSet":
            columns = "".join(_teams_column(each) for each in item["columns"])
            return f'<div class="columns" {style}>{columns}</div>'
        case "RichTextBlock":
            return f"<div {style}>{''.join(_teams_run(run) for run in item['inlines'])}</div>"
        case _:
            return f"<div {style}>{escape(item['text'])}</div>"


def _teams_column(column: Any) -> str:
    width = "flex:1" if column["width"] == "stretch" else f"width:{column['width']};flex:none"
    return f'<div style="{width}">{"".join(_teams_item(each) for each in column["items"])}</div>'


def _teams_run(run: Any) -> str:
    size = {"Large": "font-size:18px;", "Small": "font-size:12px;"}.get(run.get("size", ""), "")
    weight = "font-weight:600;" if run.get("weight") == "Bolder" else ""
    colour = "color:#666;" if run.get("isSubtle") else ""
    link = "color:#5b5fc7;text-decoration:underline;" if "selectAction" in run else ""
    return f'<span style="{size}{weight}{colour}{link}">{_lines(run["text"])}</span>'


def _feishu(body: Any) -> str:
    card = body["card"]
    header = card["header"]
    made = [f'<div class="header {header["template"]}">{_lines(header["title"]["content"])}</div>']
    for element in card["elements"]:
        match element["tag"]:
            case "div" if "fields" in element:
                fields = "".join(
                    f"<div{'' if each['is_short'] else ' class=wide'}>{_lines(each['text']['content'])}</div>"
                    for each in element["fields"]
                )
                made.append(f'<div class="fields">{fields}</div>')
            case "div":
                extra = element.get("extra")
                button = f"<a class=button>{escape(extra['text']['content'])}</a>" if extra else ""
                made.append(f'<div class="with">{_lines(element["text"]["content"], "p")}{button}</div>')
            case "hr":
                made.append("<hr>")
            case "action":
                buttons = (
                    f'<a class="button {each["type"]}">{escape(each["text"]["content"])}</a>'
                    for each in element["actions"]
                )
                made.append(f"<div>{''.join(buttons)}</div>")
            case _:
                made.append(
                    f'<div class="note">{"".join(_lines(each["content"]) for each in element["elements"])}</div>'
                )
    return "".join(made)


def _wecom(body: Any) -> str:
    content = body["markdown"]["content"]
    for name, colour in _ROBOT_COLOURS.items():
        content = content.replace(f'<font color="{name}">', f'<font color="{colour}">')
    return _markdown(content, each_line=True)


def _dingtalk(body: Any) -> str:
    return _markdown(body)


def _markdown(content: str, *, each_line: bool = False) -> str:
    return str(MarkdownIt("commonmark", {"html": True, "breaks": each_line}).render(content))


def _email(body: Any) -> str:
    tag, _, rest = body.partition("<body")[2].partition(">")
    return f"<div{tag}>{rest.partition('</body>')[0]}</div>"


def _lines(text: str, tag: str = "span") -> str:
    return f"<{tag}>{Markup('<br>').join(text.split(chr(10)))}</{tag}>"


_DRAW: Mapping[ChannelKind, Callable[[Any], str]] = {
    ChannelKind.SLACK: _slack,
    ChannelKind.TEAMS: _teams,
    ChannelKind.FEISHU: _feishu,
    ChannelKind.WECOM: _wecom,
    ChannelKind.DINGTALK: _dingtalk,
    ChannelKind.EMAIL: _email,
}

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")


def page(drawings: Sequence[tuple[str, str]], language: str) -> str:
    """A page with all the drawings, each with its name."""
    figures = "".join(f"<figure><figcaption>{escape(name)}</figcaption>{made}</figure>" for name, made in drawings)
    return f'<!doctype html><html lang="{language}"><meta charset="utf-8"><style>{STYLE}</style>{figures}</html>'
