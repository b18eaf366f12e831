#!/usr/bin/env python3
"""Runs every command of README.md and docs/ as it stands there: make test-docs (root; two minutes).

    Tests/Docs/run.py [PAGE …]

plan.py says what each is to write, and what can't be run here, with the reason. A command that isn't listed there fails.
"""

import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

import pages
import scene
from actions import Failed, Live, Run, Skip, Text, perform
from plan import PAGES


def listed():
    """The pages, and of each its blocks: (text, output, action, what is wrong)."""
    names = ["README.md", "CONTRIBUTING.md"]
    names += sorted(f"docs/{path.name}" for path in (scene.ROOT / "docs").glob("*.md"))
    wrong = [f"{name}: no such page" for name in PAGES if name not in names]
    found = {}
    for name in names:
        items = []
        for block in pages.blocks((scene.ROOT / name).read_text()):
            items += pages.commands(block) if pages.is_shell(block) else [(block, None)]
        plan = PAGES.get(name, {"blocks": []})["blocks"]
        for index in range(max(len(items), len(plan))):
            text = items[index][0] if index < len(items) else "(the page has no more)"
            head = plan[index][0] if index < len(plan) else "(plan.py has no more)"
            if not text.startswith(head):
                wrong.append(f"{name}: not in Tests/Docs/plan.py, or not in this place: {text.splitlines()[0]}; planned: {head}")
                # What comes behind it would be taken for something else.
                items = items[:index]
                break
        found[name] = [(text, output, action) for (text, output), (_, action) in zip(items, plan)]
    return found, wrong


def options_wrong(name, text, program):
    """What prose and commands say of our commands and targets that isn't so."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (scene.ROOT / "Makefile").read_text(), re.M))
    for mention in pages.mentions(text) + re.findall(r"^ {4}(?:\S.* )?(wavetag .*)", text, re.M):
        words = mention.split()
        if words[:2] == ["make", "-C"]:
            continue
        if words[0] == "make":
            for word in words[1:]:
                if re.fullmatch(r"[a-z][a-z-]*", word) and word not in targets:
                    yield f"{name}: {mention}: no such target"
            continue
        command = program
        for word in words[1:]:
            subcommands = {entry["commandName"]: entry for entry in command.get("subcommands", [])}
            if word not in subcommands:
                break
            command = subcommands[word]
        if command is program and not words[1].startswith("-") and re.fullmatch(r"[a-z]+", words[1]):
            yield f"{name}: {mention}: no such command"
        # Of `wavetag dataset SET` those of every set.
        known = {
            ("--" if option["kind"] == "long" else "-") + option["name"]
            for entry in [command] + command.get("subcommands", [])
            for argument in entry.get("arguments", [])
            for option in argument.get("names", [])
        }
        for option in re.findall(r"(?<!\S)\[?(--[a-z][a-z-]*)", mention.split("|")[0]):
            if option not in known and option != "--generate-completion-script":
                yield f"{name}: {mention}: no option {option}"


def check_units(text, action, background):
    """systemd's own opinion of a page's units beside ours, and whether ours stays closed."""
    place = pathlib.Path("/etc/systemd/system")
    units = pages.units(text)
    if not units:
        raise Failed("no units")
    for name in ("wavetag.service", "wavetag.socket"):
        (place / name).write_bytes((scene.ROOT / "systemd" / name).read_bytes())
    for path, unit in units.items():
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(path).write_text(unit)
    program = pathlib.Path("/usr/bin/wavetag")
    if not program.exists():
        program.symlink_to("/usr/local/bin/wavetag")
    whole = [path for path in units if not path.endswith(".conf")] + [str(place / "wavetag.service")]
    perform(Run(r"\A\s*\Z"), "systemd-analyze verify " + " ".join(whole), None, background)
    perform(Run(), "systemd-analyze security --offline=true --threshold=10 wavetag.service", None, background)
    if program.is_symlink():
        program.unlink()
    if action.run:
        line = re.search(r"^ExecStart=(.*)$", units[f"/etc/systemd/system/{action.run}"], re.M)[1]
        for folder in re.findall(r"^RuntimeDirectory=(.*)$", text, re.M):
            os.makedirs(f"/run/{folder}", exist_ok=True)
        perform(Live("^heard$", action.observe), shlex.join(shlex.split(line)), None, background)


def check_requests(text):
    """A daemon takes each line without an error."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(60)
        client.connect("/tmp/wavetag.sock")
        client.sendall((text + '\n{"status": true}\n').encode())
        answers = 0
        for line in client.makefile():
            event = json.loads(line)
            if event["type"] == "error":
                raise Failed(event["message"])
            answers += event["type"] == "status"
            if answers == text.count("status") + 1:
                return
    raise Failed("the daemon has closed the connection")


def check_alerts(text, background):
    """Prometheus takes the rules, they say what alerts.yml wants of them, and a daemon has each metric in them."""
    pathlib.Path("/tmp/docs/wavetag.yml").write_text(text)
    perform(Run("SUCCESS"), "promtool check rules /tmp/docs/wavetag.yml", None, background)
    perform(Run("SUCCESS"), "promtool test rules Tests/Docs/alerts.yml", None, background)
    perform(Run(r"\A\s*\Z"), "wavetag watch --metrics | promtool check metrics", None, background)
    metrics = subprocess.run(["wavetag", "watch", "--metrics"], check=True, capture_output=True, text=True).stdout
    for name in set(re.findall(r"wavetag_\w+", text)):
        if not re.search(f"^{name} ", metrics, re.M):
            raise Failed(f"{name}: no such metric")


def check_text(text, action, background):
    if action.kind == "json":
        json.loads(text)
    elif action.kind == "python":
        compile(text, "page", "exec")
    elif action.kind == "configuration":
        pathlib.Path("/tmp/docs/page.json").write_text(text)
        perform(Run(r"\A\Z"), "wavetag run --check --config /tmp/docs/page.json", None, background)
    elif action.kind == "error":
        perform(Run(code=78), action.run, text, background)
    elif action.kind == "requests":
        check_requests(text)
    elif action.kind == "alerts":
        check_alerts(text, background)
    elif action.kind == "units":
        check_units(text, action, background)


def main():
    scene.enter()
    found, wrong = listed()
    chosen = sys.argv[1:] or list(found)
    scene.cover()
    scene.loopback()
    alsa = [text for items in found.values() for text, _, action in items if action == Text("alsa")]
    scene.prepare("\n".join(alsa))
    program = json.loads(
        subprocess.run([".build/release/wavetag", "--experimental-dump-help"], check=True, capture_output=True).stdout
    )["command"]
    counts = {"run": 0, "not run": 0, "read": 0}
    for name in chosen:
        wrong += options_wrong(name, (scene.ROOT / name).read_text(), program)
        background = []
        items = found[name]
        try:
            if name != "README.md" and not pathlib.Path("/usr/local/bin/wavetag").exists():
                os.symlink(scene.ROOT / ".build/release/wavetag", "/usr/local/bin/wavetag")
            for action in PAGES.get(name, {}).get("setup", []):
                if isinstance(action, str):
                    perform(Run(), action, None, background)
                else:
                    perform(action, action.command, None, background)
        except Failed as failure:
            wrong.append(f"{name}: its setup: {failure}")
            items = []
        for text, output, action in items:
            head = text.splitlines()[0]
            started = time.monotonic()
            try:
                if isinstance(action, Skip):
                    counts["not run"] += 1
                    print(f"not run  {name}: {head}\n         {action.why}", flush=True)
                    continue
                if isinstance(action, Text):
                    check_text(text, action, background)
                    counts["read"] += 1
                    continue
                perform(action, text, output, background)
                counts["run"] += 1
                print(f"run      {name}: {head}  [{time.monotonic() - started:.1f} s]", flush=True)
            except (Failed, OSError, ValueError, SyntaxError, AssertionError) as failure:
                wrong.append(f"{name}: {head}: {failure}")
                print(f"FAILED   {name}: {head}: {failure}", flush=True)
        for process in reversed(background):
            process.end(signal.SIGTERM)
    for line in wrong:
        print(f"wrong: {line}", file=sys.stderr)
    print(f"{counts['run']} commands run, {counts['not run']} not run, {counts['read']} other blocks read")
    print(f"{counts['run'] + counts['read']} passed, {len(wrong)} failed, {counts['not run']} skipped")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
