"""Runs all cells of a notebook in JupyterLab as a person's browser would; see scripts/bench/jupyterlab. Speaks Chromium's DevTools protocol."""
import base64
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import websocket

folder, name = sys.argv[1:3]
screenshot = sys.argv[3] if len(sys.argv) > 3 else None
LIMIT = 900


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Page:
    """One tab of the browser."""

    def __init__(self, address):
        self.socket = websocket.create_connection(address, suppress_origin=True, timeout=60)
        self.count = 0

    def call(self, method, **parameters):
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.count:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']['message']}")
                return message["result"]

    def value(self, script):
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            return None
        return result["result"].get("value")

    def wait(self, what, script, seconds):
        end = time.time() + seconds
        while time.time() < end:
            found = self.value(script)
            if found:
                return found
            time.sleep(0.3)
        sys.exit(f"{what} did not come within {seconds} s")


def wait_for(address, seconds):
    end = time.time() + seconds
    while True:
        try:
            return urllib.request.urlopen(address, timeout=5).read()
        except OSError:
            if time.time() > end:
                raise
            time.sleep(0.3)


PANEL = "Array.from(window.jupyterapp.shell.widgets('main')).find(widget => widget.content?.model?.cells)"
CELLS = "(() => { const model = (" + PANEL + ").content.model;" + """
  return JSON.stringify(Array.from(model.cells).filter(cell => cell.type === 'code').map(cell => ({
    source: cell.sharedModel.getSource(), count: cell.executionCount, state: cell.executionState,
    outputs: cell.outputs.toJSON()})));
})()"""

port = free_port()
lab = subprocess.Popen(
    [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser", "--ServerApp.ip=127.0.0.1",
     f"--ServerApp.port={port}", "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", f"--ServerApp.root_dir={folder}"],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
browser = subprocess.Popen(
    ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", f"--user-data-dir={folder}/../profile",
     "--window-size=1200,2600", "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
status = 1
try:
    for line in browser.stderr:
        found = re.search(r"DevTools listening on ws://([^/]+)/", line)
        if found:
            devtools = found.group(1)
            break
    wait_for(f"http://127.0.0.1:{port}/api", 60)
    tabs = json.loads(wait_for(f"http://{devtools}/json", 30))
    page = Page(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
    page.call("Page.enable")
    # JupyterLab's commands are for what has the focus.
    page.call("Emulation.setFocusEmulationEnabled", enabled=True)
    page.call("Page.navigate", url=f"http://127.0.0.1:{port}/lab/tree/{name}?reset")
    page.wait("the notebook", f"(() => {{ const panel = {PANEL}; return panel && panel.content.model.cells.length > 0 }})()", 90)
    session = f"({PANEL}).context.sessionContext.session"
    page.wait("an idle kernel", f"{session} && {session}.kernel.status === 'idle'", 60)
    kernel = page.value(f"{session}.kernel.name")
    page.value(f"(window.jupyterapp.shell.activateById(({PANEL}).id), true)")
    page.wait("the focus of the notebook", f"window.jupyterapp.shell.currentWidget === ({PANEL})", 10)
    page.value("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs').then(() => true)")
    before = time.time()
    page.value("(window.cellsRun = false, window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.cellsRun = true; }), true)")
    page.wait("the end of the last cell", "window.cellsRun", LIMIT)
    seconds = time.time() - before
    cells = json.loads(page.value(CELLS))
    pictures = failures = idle = 0
    for cell in cells:
        kinds = []
        for output in cell["outputs"]:
            kinds += sorted(output.get("data", {})) or [output["output_type"]]
            failures += output["output_type"] == "error"
        pictures += "image/png" in kinds
        idle += cell["count"] is None
        print(f"[{cell['count']}] {cell['source'].splitlines()[0][:60]:60} {' '.join(dict.fromkeys(kinds))}")
    shown = page.value("document.querySelectorAll('.jp-OutputArea img').length")
    print(f"{name}, kernel {kernel}: {len(cells)} cells in {seconds:.1f} s, {failures} failed, {idle} not run, {pictures} with a picture, {shown} pictures on the page")
    if screenshot:
        page.value("(document.querySelector('.jp-OutputArea img')?.scrollIntoView({block: 'center'}), true)")
        time.sleep(1)
        with open(screenshot, "wb") as file:
            file.write(base64.b64decode(page.call("Page.captureScreenshot", format="png")["data"]))
    status = 0 if cells and failures == 0 and idle == 0 and pictures > 0 and shown > 0 else 1
finally:
    browser.send_signal(signal.SIGTERM)
    lab.send_signal(signal.SIGTERM)
    for process in (browser, lab):
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
sys.exit(status)
