"""What is done with a command of the documentation."""

import os
import re
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass

# How a command that goes on for ever may end when it is interrupted: in order, or by the signal.
INTERRUPTED = {0, 2, 130, -signal.SIGINT}


class Failed(Exception):
    pass


@dataclass
class Run:
    """Runs to its end. `expect` is a regular expression found in what it writes."""

    expect: str = ""
    code: int = 0
    # Behind the command: what makes it short. `why` says why that is needed.
    append: str = ""
    # In the command: what isn't here, and what stands for it.
    replace: tuple = ()
    why: str = ""
    before: str = ""
    seconds: float = 120


@dataclass
class Live:
    """Goes on for ever: it is interrupted when `until` is found in what it writes, or in what `observe` writes."""

    until: str
    observe: str = ""
    replace: tuple = ()
    why: str = ""
    before: str = ""
    seconds: float = 60


@dataclass
class Start:
    """Goes on in the background, to the end of its page, once `ready` is found in what it writes."""

    ready: str
    command: str = ""
    seconds: float = 60


@dataclass
class Skip:
    """Can't be run here, or is run elsewhere."""

    why: str


@dataclass
class Text:
    """A block that is no command. What is done with it says its kind:

    - shown: nothing.
    - json, python: it is parsed.
    - configuration: the daemon checks it.
    - error: the shell's command `run` has this output.
    - requests: a daemon takes each line.
    - alsa: it is among ALSA's configuration from the start.
    - alerts: rules for Prometheus, which checks them and tries them on alerts.yml.
    - units: systemd checks them; what the unit `run` executes goes on until `observe` writes `heard`.
    """

    kind: str = "shown"
    run: str = ""
    observe: str = ""


class Process:
    """A shell's command in a process group of its own."""

    def __init__(self, command):
        self.command = command
        self.child = subprocess.Popen(
            ["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
            # A shell that starts this script in the background has it ignored, and so would every command.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        os.set_blocking(self.child.stdout.fileno(), False)
        self.written = b""

    def wait_for(self, pattern, seconds):
        """Until `pattern` is found in what it has written; None: until its end."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.child.stdout, selectors.EVENT_READ)
            while pattern is None or not re.search(pattern, self.text, re.M):
                left = deadline - time.monotonic()
                if left <= 0:
                    self.end(signal.SIGKILL)
                    raise Failed(f"after {seconds:.0f} s without {pattern or 'an end'}: {self.text[-2000:]}")
                if not selector.select(left):
                    continue
                piece = self.child.stdout.read()
                if piece == b"":
                    if pattern is None:
                        return
                    raise Failed(f"ended without {pattern}: {self.text[-2000:]}")
                self.written += piece or b""

    @property
    def text(self):
        return self.written.decode(errors="replace")

    def end(self, number=signal.SIGINT):
        """Has the whole group end, and gives the exit code."""
        for how, seconds in ((number, 15), (signal.SIGKILL, 15)):
            try:
                os.killpg(self.child.pid, how)
            except ProcessLookupError:
                pass
            try:
                return self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        return None


def perform(action, command, output, background):
    """Runs a command as its page has it.

    - output: what the page shows below it, or None.
    - background: takes what goes on.
    """
    if getattr(action, "before", ""):
        perform(Run(), action.before, None, background)
    if getattr(action, "replace", ()):
        if action.replace[0] not in command:
            raise Failed(f"{action.replace[0]} isn't in {command}")
        command = command.replace(*action.replace)
    if isinstance(action, Start):
        process = Process(command.rstrip().removesuffix("&"))
        background.append(process)
        process.wait_for(action.ready, action.seconds)
    elif isinstance(action, Live):
        process = Process(command)
        try:
            if action.observe:
                observer = Process(action.observe)
                try:
                    observer.wait_for(action.until, action.seconds)
                finally:
                    observer.end(signal.SIGKILL)
            else:
                process.wait_for(action.until, action.seconds)
        except Failed as failure:
            process.end(signal.SIGKILL)
            raise Failed(f"{failure} {process.text[-1000:]}") from None
        code = process.end()
        if code not in INTERRUPTED:
            raise Failed(f"interrupted, it ended with {code}: {process.text[-2000:]}")
    elif isinstance(action, Run):
        process = Process(f"{command} {action.append}".strip())
        process.wait_for(None, action.seconds)
        code = process.child.wait(15)
        if code != action.code:
            raise Failed(f"exit code {code}: {process.text[-2000:]}")
        if not re.search(action.expect, process.text, re.M):
            raise Failed(f"no {action.expect} in: {process.text[-2000:]}")
        if output is not None and process.text.strip() != output.strip():
            raise Failed(f"the page shows another output than\n{process.text}")
