"""A program in a pseudo-terminal, as a person has it: keys go in, a screen comes out.

The screen is emulated as far as readline and Seep use one (TERM=xterm): cursor movement, erasing, inserting, deleting, wrapping.
Every wait ends as soon as what is waited for is there; none sleeps a fixed time.
"""
import codecs, fcntl, os, pty, re, select, signal, struct, termios, time

SEQUENCE = re.compile(r"\x1b(?:\[([0-9;?<=>]*)[ -/]*([@-~])|\]([^\x07\x1b]*)(?:\x07|\x1b\\)|P[^\x1b]*\x1b\\|_[^\x1b]*\x1b\\|[()][A-Z0-9]|[=>78cDEHM])")
# The beginning of a sequence whose rest has not come yet.
BEGUN = re.compile(r"\x1b(?:\[[0-9;?<=>]*[ -/]*|\][^\x07\x1b]*\x1b?|[P_][^\x1b]*\x1b?|[()])?\Z")


class Screen:
    """Rows of characters, the cursor, and what went out at the top."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.cells = [[" "] * columns for _ in range(rows)]
        # Whether a row goes on in the next one because it was full.
        self.wrapped = [False] * rows
        self.row = self.column = 0
        self.waits = False  # the last column is written; the next character wraps

    def resize(self, rows, columns):
        """As terminals that do not reflow: rows are cut or padded at the right, the cursor keeps its row."""
        lines = self.cells[max(0, self.row + 1 - rows):][:rows]
        self.row = min(self.row, rows - 1)
        self.cells = [(line + [" "] * columns)[:columns] for line in lines]
        self.cells += [[" "] * columns for _ in range(rows - len(self.cells))]
        self.wrapped = [False] * rows
        self.rows, self.columns = rows, columns
        self.column, self.waits = min(self.column, columns - 1), False

    def line_feed(self):
        if self.row == self.rows - 1:
            self.cells = self.cells[1:] + [[" "] * self.columns]
            self.wrapped = self.wrapped[1:] + [False]
        else:
            self.row += 1

    def put(self, character):
        if self.waits:
            self.wrapped[self.row] = True
            self.line_feed()
            self.column, self.waits = 0, False
        self.cells[self.row][self.column] = character
        if self.column == self.columns - 1:
            self.waits = True
        else:
            self.column += 1

    def control(self, numbers, final):
        if numbers[:1] in ("?", ">", "<", "="):
            return
        values = [int(n) if n.isdigit() else 0 for n in numbers.split(";")]
        count, cells = max(1, values[0]), self.cells[self.row]
        self.waits = self.waits and final == "m"
        if final == "A": self.row = max(0, self.row - count)
        elif final == "B": self.row = min(self.rows - 1, self.row + count)
        elif final == "C": self.column = min(self.columns - 1, self.column + count)
        elif final == "D": self.column = max(0, self.column - count)
        elif final == "G": self.column = min(self.columns, count) - 1
        elif final in "Hf":
            self.row = min(self.rows, count) - 1
            self.column = min(self.columns, max(1, values[1] if len(values) > 1 else 1)) - 1
        elif final == "K":
            start, end = {0: (self.column, self.columns), 1: (0, self.column + 1)}.get(values[0], (0, self.columns))
            cells[start:end] = [" "] * (end - start)
            if end == self.columns: self.wrapped[self.row] = False
        elif final == "J":
            if values[0] == 0:
                cells[self.column:] = [" "] * (self.columns - self.column)
                below = range(self.row + 1, self.rows)
                self.wrapped[self.row] = False
            else:
                below = range(self.rows)
            for row in below: self.cells[row], self.wrapped[row] = [" "] * self.columns, False
        elif final == "P": cells[self.column:] = cells[self.column + count:] + [" "] * min(count, self.columns - self.column)
        elif final == "@": cells[self.column:] = ([" "] * count + cells[self.column:])[:self.columns - self.column]

    def feed(self, text):
        at = 0
        while at < len(text):
            character = text[at]
            if character == "\x1b":
                match = SEQUENCE.match(text, at)
                if match:
                    if match[2]: self.control(match[1], match[2])
                    elif match[0] == "\x1bM": self.row = max(0, self.row - 1)
                    at = match.end()
                    continue
            elif character == "\r": self.column, self.waits = 0, False
            elif character == "\n": self.line_feed(); self.waits = False
            elif character == "\b": self.column, self.waits = max(0, self.column - 1), False
            elif character == "\t": self.column = min(self.columns - 1, self.column // 8 * 8 + 8)
            elif character >= " ": self.put(character)
            at += 1

    @property
    def lines(self):
        """What stands on the screen; rows that were wrapped are one line."""
        found, begun = [], ""
        for cells, wrapped in zip(self.cells, self.wrapped):
            begun += "".join(cells)
            if not wrapped:
                found.append(begun.rstrip())
                begun = ""
        return found

    def shows(self):
        return "\n".join(self.lines).rstrip()


class Terminal:
    """A running program. `expect` and `wait` raise AssertionError with the screen where nothing comes in time."""

    patience = float(os.environ.get("SEEP_TEST_PATIENCE", "30"))

    def __init__(self, command, rows=24, columns=80, environment={}, folder=None):
        self.screen = Screen(rows, columns)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        # All that was printed, without control sequences; `mark` is how far `expect` has read.
        self.plain, self.mark, self.begun, self.status, self.is_over = "", 0, "", None, False
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SEEP_", "LC_", "LANG"))}
        kept.pop("NO_COLOR", None)
        kept.update({"TERM": "xterm", "LC_ALL": "C.UTF-8", "INPUTRC": "/dev/null"}, **environment)
        self.started = time.monotonic()
        self.pid, self.side = pty.fork()
        if self.pid == 0:
            try:
                if folder: os.chdir(folder)
                # Before the program asks for its size.
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execvpe(command[0], command, kept)
            finally:
                os._exit(127)

    # What goes in.

    def send(self, text):
        data = text.encode() if isinstance(text, str) else text
        while data:
            # A pseudo-terminal takes a few kilobytes at a time; what comes back must be read in between.
            readable, writable, _ = select.select([self.side], [self.side], [], self.patience)
            if readable: self.read()
            if writable:
                # In cooked mode a line may have 4095 bytes; small pieces never block.
                data = data[os.write(self.side, data[:512]):]
            if not readable and not writable: raise AssertionError("the program takes no input\n" + self.screen.shows())

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        fcntl.ioctl(self.side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid, number)

    # What comes out.

    def read(self):
        try:
            data = os.read(self.side, 1 << 16)
        except OSError:
            data = b""
        if not data:
            self.is_over = True
            return
        text = self.begun + self.decoder.decode(data)
        match = BEGUN.search(text)
        self.begun = match[0] if match else ""
        text = text[:len(text) - len(self.begun)]
        self.screen.feed(text)
        self.plain += SEQUENCE.sub("", text).replace("\r\n", "\n").replace("\r", "")

    def wait(self, what, condition, timeout=None):
        """Reads until the condition holds."""
        end = time.monotonic() + (timeout or self.patience)
        while not condition():
            left = end - time.monotonic()
            if left <= 0 or self.is_over:
                raise AssertionError(f"{what} did not come; the screen:\n{self.screen.shows()}")
            if select.select([self.side], [], [], min(left, 1))[0]: self.read()

    def expect(self, text, timeout=None):
        """Waits for a text in what was printed since the last call; gives what came before it."""
        start = self.mark
        self.wait(repr(text), lambda: text in self.plain[start:], timeout)
        at = self.plain.index(text, start)
        self.mark = at + len(text)
        return self.plain[start:at]

    def line(self, text, timeout=None):
        """Waits until the line the cursor is in reads so."""
        self.wait(f"the line {text!r}", lambda: self.current == text.rstrip(), timeout)

    @property
    def current(self):
        first = self.screen.row
        while first > 0 and self.screen.wrapped[first - 1]: first -= 1
        last, text = first, ""
        while True:
            text += "".join(self.screen.cells[last])
            if not self.screen.wrapped[last] or last == self.screen.rows - 1: return text.rstrip()
            last += 1

    def skip(self):
        """Forgets what was printed so far."""
        self.mark = len(self.plain)

    def end(self, timeout=None):
        """Waits for the end of the program; its exit status, negative for a signal."""
        end = time.monotonic() + (timeout or self.patience)
        while self.status is None:
            if not self.is_over and select.select([self.side], [], [], 0.05)[0]: self.read()
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done: self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end: raise AssertionError("the program does not end; the screen:\n" + self.screen.shows())
            elif self.is_over: time.sleep(0.01)
        return self.status

    def close(self):
        if self.status is None:
            try: os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError: pass
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.side)
