"""Pages of documentation: their blocks of code, and the commands in them."""

import re
import subprocess

# What a line begins with that is typed into a shell.
PROGRAMS = {
    "wavetag", "make", "sudo", "cp", "install", "systemctl", "python3", "echo", "jq", "journalctl", "ln", "train", "train()",
}  # fmt: skip


def blocks(text):
    """Fenced and indented blocks of code, without their indentation."""
    found, lines, index = [], text.split("\n"), 0
    while index < len(lines):
        if lines[index].startswith("```"):
            end = index + 1
            while not lines[end].startswith("```"):
                end += 1
            found.append("\n".join(lines[index + 1 : end]))
            index = end + 1
        elif lines[index].startswith("    ") and (index == 0 or not lines[index - 1]):
            end = index
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end]):
                end += 1
            found += parts("\n".join(line[4:] for line in lines[index:end]).rstrip("\n"))
            index = end
        else:
            index += 1
    return found


def parts(block):
    """An indented block, cut where commands begin or end: paragraphs of anything else may belong together."""
    found = []
    for paragraph in re.split(r"\n\n+", block):
        if found and not is_shell(paragraph) and not is_shell(found[-1]):
            found[-1] += "\n\n" + paragraph
        else:
            found.append(paragraph)
    return found


def is_shell(block):
    first = block.split()[0]
    return first in PROGRAMS or first == "$"


def is_whole(command):
    """Whether a shell would run this, and not wait for more."""
    if command.rstrip().endswith(("\\", "|")):
        return False
    return subprocess.run(["bash", "-n", "-c", command], capture_output=True).returncode == 0


def commands(block):
    """A block's commands; after a `$ ` those lines are output that have none.

    Yields pairs of a command and its output, or None where the page shows none.
    """
    if block.startswith("$ "):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield command, output
        return
    command = ""
    for line in block.split("\n"):
        command += ("\n" if command else "") + line
        if is_whole(command):
            # A remark behind a command is for the reader.
            yield re.sub(r"\s+# .*$", "", command).strip(), None
            command = ""
    if command:
        yield command, None


def mentions(text):
    """Commands of ours that prose names: `wavetag watch --status`, `make deb`."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return re.findall(r"`((?:wavetag|make) [^`]+)`", prose)


def units(block):
    """Units of systemd in a block, by path."""
    parts = re.split(r"^# (/etc/systemd/system/\S+)\n", block, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))
