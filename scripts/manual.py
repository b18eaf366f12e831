#!/usr/bin/env python3
"""Writes the manual pages: wavetag.1 out of the program's own help, the others out of docs/.

    scripts/manual.py .build/release/wavetag FOLDER

What a page says is said in one place: an option's text in the program, a setting's and an event's in its page of docs/.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def plain(text):
    """Text as roff wants it."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return re.sub(r"^\.", r"\\&.", text, flags=re.M)


def inline(text):
    """A line of Markdown: code and strong in bold, links by their words."""
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    parts = re.split(r"`([^`]*)`|\*\*([^*]*)\*\*", text)
    out = ""
    for index in range(0, len(parts), 3):
        out += plain(parts[index])
        if index + 1 < len(parts):
            out += "\\fB" + plain(parts[index + 1] or parts[index + 2] or "") + "\\fR"
    return out


def cells(line):
    """A table's row; a bar behind a backslash is text."""
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def table(lines):
    """A Markdown table: the first column is a term, the others say what it is, each under its column's name."""
    header, rows = cells(lines[0]), [cells(line) for line in lines[2:]]
    out = []
    for row in rows:
        out += [".TP", inline(row[0])]
        said = []
        for name, value in zip(header[1:], row[1:]):
            if value and len(header) > 3 and name not in ("meaning", "members"):
                said.append(f"{inline(name)}: {inline(value)}")
            elif value:
                said.insert(0, inline(value))
        out.append("; ".join(said) or "\\&")
    return out


def markdown(text):
    """Headings, paragraphs, tables and indented code."""
    out, lines, index = [], text.split("\n"), 0
    while index < len(lines):
        line = lines[index]
        end = index + 1
        if line.startswith("# "):
            pass
        elif line.startswith("#"):
            out.append('.SH "' + inline(line.lstrip("# ")).upper() + '"')
        elif line.startswith("|"):
            while end < len(lines) and lines[end].startswith("|"):
                end += 1
            out += table(lines[index:end])
        elif line.startswith("    "):
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end]):
                end += 1
            code = "\n".join(text[4:] for text in lines[index:end]).rstrip("\n")
            out += [".PP", ".nf", ".RS 4", plain(code), ".RE", ".fi"]
        elif line:
            out += [".PP", inline(line)]
        index = end
    return out


def option(argument):
    """An option's or an argument's entry."""
    value = argument.get("valueName", "value")
    if argument["kind"] == "positional":
        head = "\\fI" + plain(value) + "\\fR"
    else:
        dashes = {"long": "--", "short": "-", "longWithSingleDash": "-"}
        names = [dashes[name["kind"]] + name["name"] for name in argument["names"]]
        head = ", ".join("\\fB" + plain(name) + "\\fR" for name in names)
        if argument["kind"] == "option":
            head += " \\fI" + plain(value) + "\\fR"
    said = argument.get("abstract", "")
    if argument.get("allValues"):
        said += f" (values: {', '.join(argument['allValues'])})"
    if argument.get("defaultValue"):
        said += f" (default: {argument['defaultValue']})"
    return [".TP", head, plain(said.strip()) or "\\&"]


def discussion(text):
    """A command's own words: blocks that are indented are shown as they stand, after a heading of theirs."""
    out = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        first, _, rest = block.partition("\n")
        if first.isupper() and rest:
            out += [".PP", plain(first.capitalize()) + ":", ".nf", ".RS 4", plain(rest), ".RE", ".fi"]
        elif block.startswith("  "):
            out += [".nf", plain(block), ".fi"]
        else:
            out += [".PP", plain(block)]
    return out


def command(entry, path):
    out = [f'.SH "{plain(" ".join(path)).upper()}"', plain(entry.get("abstract", ""))]
    shown = [one for one in entry.get("arguments", []) if one.get("shouldDisplay", True)]
    common = {"version", "help"}
    shown = [one for one in shown if not common & {name["name"] for name in one.get("names", [])}]
    out += discussion(entry.get("discussion", ""))
    for argument in shown:
        out += option(argument)
    for sub in entry.get("subcommands", []):
        if sub.get("shouldDisplay", True):
            out += command(sub, path + [sub["commandName"]])
    return out


def page(name, section, title, body, others):
    return "\n".join(
        [
            f'.TH {name.upper()} {section} "" wavetag "wavetag"',
            ".nh",
            ".ad l",
            ".SH NAME",
            f"{plain(name)} \\- {plain(title)}",
            *body,
            '.SH "SEE ALSO"',
            ", ".join(f"\\fB{plain(other)}\\fR({number})" for other, number in others),
            "",
        ]
    )


PAGES = [("wavetag", 1), ("wavetag.conf", 5), ("wavetag-events", 7)]


def main():
    program, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    dump = subprocess.run([program, "--experimental-dump-help"], check=True, capture_output=True, text=True)
    root = json.loads(dump.stdout)["command"]
    body = [".SH SYNOPSIS", "\\fBwavetag\\fR \\fIcommand\\fR [\\fIoption\\fR]...", ".SH DESCRIPTION"]
    body += [plain(root.get("abstract", ""))] + discussion(root.get("discussion", ""))
    body += ["Every command also takes \\fB\\-\\-version\\fR and \\fB\\-h\\fR, \\fB\\-\\-help\\fR."]
    for entry in root["subcommands"]:
        if entry["commandName"] != "help" and entry.get("shouldDisplay", True):
            body += command(entry, ["wavetag", entry["commandName"]])
    codes = (ROOT / "docs/command-line.md").read_text().split("## Exit codes")[1]
    body += ['.SH "EXIT STATUS"'] + markdown(codes)
    bodies = {
        "wavetag": ("live music tags from a sound input", body),
        "wavetag.conf": (
            "settings of the wavetag daemon",
            [".SH DESCRIPTION"] + markdown((ROOT / "docs/configuration.md").read_text()),
        ),
        "wavetag-events": (
            "what wavetag says on its socket and on standard output",
            [".SH DESCRIPTION"] + markdown((ROOT / "docs/events.md").read_text()),
        ),
    }
    for name, section in PAGES:
        title, body = bodies[name]
        others = [other for other in PAGES if other[0] != name]
        (folder / f"{name}.{section}").write_text(page(name, section, title, body, others))


if __name__ == "__main__":
    main()
