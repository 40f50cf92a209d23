"""The bodies that channels send, drawn as their vendors lay them out: as near as is worth it, with nothing added."""

from collections.abc import Callable, Mapping, Sequence
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
    """The message as HTML, in a box of the vendor's width. Mail is a page of its own, in a frame."""
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
    return shown + said


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
                fields = "".join(f"<div>{_lines(each['text']['content'])}</div>" for each in element["fields"])
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
                made.append(f'<div class="note">{"".join(_lines(each["content"]) for each in element["elements"])}</div>')
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
    return f'<iframe scrolling="no" srcdoc="{escape(body)}"></iframe>'


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

STYLE = """
body { font: 15px/1.46 "Segoe UI", "Liberation Sans", "Noto Sans CJK SC", "Noto Color Emoji", sans-serif; background: #f0f1f3;
  margin: 16px; display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start; }
figure { margin: 0 } figcaption { color: #777; font-size: 11px; margin-bottom: 3px }
.button { display: inline-block; border: 1px solid #bbb; border-radius: 4px; padding: 3px 10px; margin: 4px 6px 0 0;
  font-size: 13px; font-weight: 600 }
.slack, .teams, .wecom, .dingtalk, .feishu { background: #fff; border-radius: 6px; padding: 12px 14px; overflow-wrap: anywhere }
.slack { width: 480px } .slack h3 { font-size: 18px; margin: 0 0 6px } .slack p { margin: 6px 0 }
.slack .fields { display: grid; grid-template-columns: 1fr 1fr; gap: 6px 12px; margin: 8px 0 }
.slack .context { color: #616061; font-size: 12px; display: flex; flex-wrap: wrap; gap: 4px 12px } .slack a { color: #1264a3 }
.teams { width: 480px; font-size: 14px } .teams .columns { display: flex; gap: 10px }
.teams .attention, .teams .warning, .teams .accent, .teams .good { margin: -12px -14px 8px; padding: 10px 14px }
.teams .attention { background: #fde7e9 } .teams .warning { background: #fff4ce } .teams .accent { background: #e0e7ff }
.teams .good { background: #dff6dd }
.feishu { width: 440px; padding: 0 0 12px; font-size: 14px } .feishu > * { margin: 8px 14px }
.feishu .header { margin: 0; padding: 10px 14px; border-radius: 6px 6px 0 0; color: #fff; font-weight: 600; font-size: 16px }
.feishu .red { background: #d83931 } .feishu .orange { background: #de7802 } .feishu .blue { background: #245bdb }
.feishu .green { background: #2ea121 } .feishu .fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px }
.feishu .with { display: flex; justify-content: space-between; gap: 8px } .feishu p { margin: 0 }
.feishu hr { border: 0; border-top: 1px solid #e5e6eb } .feishu .note { color: #8f959e; font-size: 12px }
.feishu .primary { background: #3370ff; color: #fff; border-color: #3370ff }
.wecom, .dingtalk { width: 360px; font-size: 14px } .wecom h2, .dingtalk h3 { font-size: 16px; margin: 0 0 6px }
.wecom p, .dingtalk p { margin: 5px 0 } .dingtalk h4 { margin: 8px 0 2px; font-size: 14px }
.wecom blockquote, .dingtalk blockquote { margin: 6px 0; padding-left: 8px; border-left: 3px solid #ddd; color: #666 }
.wecom ol, .wecom ul, .dingtalk ol, .dingtalk ul { margin: 4px 0; padding-left: 22px } .wecom a, .dingtalk a { color: #1a66d0 }
.email iframe { width: 620px; border: 0; background: #f3f4f6 }
"""


def page(drawings: Sequence[tuple[str, str]], language: str) -> str:
    """A page with all the drawings, each with its name."""
    figures = "".join(f"<figure><figcaption>{escape(name)}</figcaption>{made}</figure>" for name, made in drawings)
    fit = (
        "<script>for (const one of document.querySelectorAll('iframe')) "
        "one.onload = () => one.style.height = one.contentDocument.documentElement.scrollHeight + 'px'</script>"
    )
    return f'<!doctype html><html lang="{language}"><meta charset="utf-8"><style>{STYLE}</style>{figures}{fit}</html>'
