"""Seep's prompt in a pseudo-terminal, with a home of its own; for Tests/Shell/prompt and scripts/bench/shell."""
import os, subprocess, time
from terminal import Terminal

ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROMPT, MORE = "seep> ", "  ... "


def binary():
    """The program, built where it is not; SEEP_PROGRAM names another one."""
    given = os.environ.get("SEEP_PROGRAM")
    if given: return given
    subprocess.run([ROOT + "/scripts/seep", "--version"], check=True, stdout=subprocess.DEVNULL)
    return ROOT + "/.build/release/seep"


class Session(Terminal):
    """A prompt that is ready for a statement."""

    def __init__(self, program, folder, options=(), environment={}, **size):
        os.makedirs(folder, exist_ok=True)
        own = {"HOME": folder, "SEEP_HISTORY": folder + "/history", "SEEP_STATE": folder + "/state", "SEEP_GRAPHICS": "none"}
        if "SEEP_HOME" in os.environ: own["SEEP_HOME"] = os.environ["SEEP_HOME"]
        super().__init__([program, *options], environment={**own, **environment}, folder=folder, **size)
        self.expect(PROMPT)
        self.ready = time.monotonic()

    def run(self, text, timeout=None):
        """Types a statement, line by line; what it printed."""
        lines = text.split("\n")
        for line in lines[:-1]:
            self.skip()
            self.send(line + "\r")
            self.expect("\n" + MORE)
        self.skip()
        self.send(lines[-1] + "\r")
        return self.output(timeout)

    def output(self, timeout=None):
        """What was printed after the line that was typed and before the next prompt."""
        return self.expect("\n" + PROMPT, timeout).partition("\n")[2]

    def begin(self, text):
        """Starts a statement that prints `gone` before its work, and waits for that."""
        self.skip()
        self.send(text + "\r")
        self.expect("\ngone\n")

    def interrupt(self, timeout=None):
        """Ctrl-C; the seconds until the prompt is back, and what was printed."""
        start = time.monotonic()
        self.send("\x03")
        printed = self.expect(PROMPT, timeout)
        return time.monotonic() - start, printed

    def leave(self):
        """Ctrl-D; the exit status."""
        self.send("\x04")
        return self.end()

    def __enter__(self): return self
    def __exit__(self, *_): self.close()
