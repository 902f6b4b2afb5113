"""What jupyter_kernel_test does not ask: interrupts, restarts, live pictures, aborted cells, signatures, atomic statements."""
import sys
import time

from jupyter_client.manager import start_new_kernel

failures = []


def check(what, ok, got=""):
    print(("ok      " if ok else "FAILED  ") + what + (f": {got}" if got != "" else ""))
    if not ok:
        failures.append(what)


def run(client, code, timeout=60, act=None):
    """The reply and what came on iopub until idle; `act` is called once, with the first message that is no status."""
    request = client.execute(code)
    seen = []
    while True:
        message = client.get_iopub_msg(timeout=timeout)
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            break
        seen.append(message)
        if act and act(message):
            act = None
    return client.get_shell_msg(timeout=timeout), seen


manager, client = start_new_kernel(kernel_name="seep")
run(client, "let a = 20\nlet b = 22")
reply, seen = run(client, "let a = 1\nlet c = 5\nlet b = 1 / 0\nlet c = 6")
check("a failing cell says where", "cell:3:" in "\n".join(reply["content"]["traceback"]), reply["content"]["evalue"])
reply, seen = run(client, "[a, b, c]")
check("statements are atomic, the earlier ones stay", seen[-1]["content"]["data"]["text/plain"] == "[1, 22, 5]")

# A loop stops within 100 ms of the interrupt and the session goes on.
started = []
request = client.execute("while true {}")
time.sleep(0.5)
before = time.perf_counter()
manager.interrupt_kernel()
reply = client.get_shell_msg(timeout=10)
latency = time.perf_counter() - before
check("an interrupt stops a loop", reply["content"]["ename"] == "interrupted", f"{latency * 1000:.0f} ms")
check("within 100 ms", latency < 0.1)

# A running attack shows what it has so far; an interrupt gives the best until then.
setup = 'let net = lenet()\nlet (x, y) = dataset("digits").private[3]\nlet shared = share(net, x, y)'
run(client, setup)
request = client.execute("let leak = inverting_gradients(steps: 100000).run(shared, net)\nleak")
kinds, pictures = [], 0
end = time.time() + 6
while time.time() < end:
    try:
        message = client.get_iopub_msg(timeout=1)
    except Exception:
        continue
    if message["parent_header"].get("msg_id") == request:
        kinds.append(message["msg_type"])
        pictures += "image/png" in message["content"].get("data", {})
before = time.perf_counter()
manager.interrupt_kernel()
reply = client.get_shell_msg(timeout=10)
latency = time.perf_counter() - before
check("an attack is a picture that changes", kinds.count("display_data") == 1 and kinds.count("update_display_data") > 3, f"{pictures} pictures in 6 s")
check("an interrupted attack gives its best", reply["content"]["status"] == "ok", f"{latency * 1000:.0f} ms")
reply, seen = run(client, "leak.interrupted")
check("and the session goes on", seen[-1]["content"]["data"]["text/plain"] == "true")
reply, seen = run(client, "leak")
check("a leak is a picture and a text", {"image/png", "text/html", "text/plain"} <= set(seen[-1]["content"]["data"]))
reply, seen = run(client, "[{a: 1, b: 2.5}, {a: 2}]")
check("rows are a table", "<table>" in seen[-1]["content"]["data"].get("text/html", ""))

# After a failing cell, those that wait do not run.
requests = [client.execute(code) for code in ("time()\n1 / 0", 'print("never")', "1")]
states = {}
while len(states) < 3:
    message = client.get_shell_msg(timeout=10)
    states[message["parent_header"]["msg_id"]] = message["content"]["status"]
check("waiting cells are aborted", [states[r] for r in requests] == ["error", "aborted", "aborted"])

# A message signed with another key gets no answer.
key, client.session.key = client.session.key, b"wrong"
request = client.kernel_info()
client.session.key = key
time.sleep(0.3)
check("a wrong signature is dropped", not client.shell_channel.msg_ready())

before = time.perf_counter()
for _ in range(100):
    client.execute("1", reply=True, timeout=10)
check("an empty cell", True, f"{(time.perf_counter() - before) * 10:.1f} ms")

manager.restart_kernel()
client.wait_for_ready(timeout=30)
reply, seen = run(client, "a")
check("a restart forgets", reply["content"]["status"] == "error")
before = time.perf_counter()
client.stop_channels()
manager.shutdown_kernel()
check("shutdown", not manager.is_alive(), f"{time.perf_counter() - before:.2f} s")
sys.exit(1 if failures else 0)
