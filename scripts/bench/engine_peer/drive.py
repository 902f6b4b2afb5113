"""Runs both sides of every work alternately and prints the table. `drive.py ENGINE_BENCH [--only NAME] [--json] [--repeat N]`."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

# Name: what it is, repetitions, allowed relative difference of outputs (of the median one), the ratio wanted and aimed at (None: for information),
# and multiply-adds of one run in G by the formulas of docs/performance.md (None: not counted).
WORKS = {
    "ggl_resnet18": ("GGL generation of 50, WGAN-GP generator and ResNet-18, 32x32; peer: one at a time", 3, 1e-4, 3.5, 6, 84.2),
    "ggl_resnet18_vmap": ("the same; peer: torch.func.vmap", 3, 1e-4, None, None, 84.2),
    "ggl_resnet18_pruned": ("the same with 90 % pruning in the adaptive loss; peer: one at a time", 3, 1e-4, 3, 6, 84.2),
    "ggl_adam_step": ("one Adam step of GGL through the generator, same model", 5, 1e-3, 2, 4, 3.9),
    "ggl_lenet": ("GGL generation of 50, digits generator and LeNet, 28x28; peer: one at a time", 5, 1e-3, 20, 50, None),
    "ggl_lenet_vmap": ("the same; peer: torch.func.vmap", 5, 1e-3, None, None, None),
    "dlg_closure": ("one DLG L-BFGS closure, LeNet 28x28", 5, 1e-3, 5, 15, None),
    "ig_step_b1": ("one Inverting-Gradients step, ConvNet-64, batch 1", 5, 1e-3, 1.3, 2, None),
    "ig_step_b8": ("one Inverting-Gradients step, ConvNet-64, batch 8", 5, 1e-3, 1.3, 2, None),
    "wgan_gp_critic": ("WGAN-GP critic step, batch 64, 32x32", 5, 1e-3, 1.2, 1.6, None),
    "resnet18_224": ("forward and backward, ResNet-18 at 224, batch 8", 5, 1e-3, 1, 1.4, 43.6),
    "turbo_round": ("TuRBO-1 round at 500 points, n = 32; peer: the same mathematics on gpytorch", 3, 1e-2, 5, 15, None),
    "cma_es": ("CMA-ES ask and tell, n = 128, 50 points; peer: pycma", 5, 1e-3, 5, 20, None),
}


class Side:
    """A process that serves one work."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env={**os.environ, "SEEP_THREADS": "2", "PYTHONWARNINGS": "ignore"})
        if self.process.stdout.readline().strip() != "ready":
            sys.exit(f"{' '.join(command)} did not start")

    def run(self):
        # OpenMP's threads go on spinning for a while after the other side's run: they must not take its processor from this one.
        time.sleep(0.5)
        print("run", file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(self.process.args)} ended")
        return json.loads(line)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure(name, ours, folder, repeat):
    what, count, tolerance, wanted, aim, work = WORKS[name]
    peer = Side([sys.executable, os.path.join(os.path.dirname(__file__), "serve.py"), name, folder])
    own = Side([ours, name, folder])
    own_first, peer_first = own.run(), peer.run()  # warms up and gives the outputs
    apart = [abs(a - b) / max(abs(b), 1e-6) for a, b in zip(own_first["numbers"], peer_first["numbers"])]
    worst, usual = max(apart, default=0.0), statistics.median(apart) if apart else 0.0
    # Among 10^6 activations float32 may choose the other side of a ReLU, on either side of the comparison; one choice moves a gradient by up
    # to about 1e-2. So the median must agree closely, and the worst within that.
    agree = len(own_first["numbers"]) == len(peer_first["numbers"]) and usual <= tolerance and worst <= max(tolerance, 1e-2)
    pairs = [(own.run(), peer.run()) for _ in range(repeat or count)]
    own.end()
    peer.end()
    ours_ms = statistics.median(p[0]["ms"] for p in pairs)
    peer_ms = statistics.median(p[1]["ms"] for p in pairs)
    return {
        "work": name, "what": what, "ours_ms": ours_ms, "peer_ms": peer_ms, "ratio": peer_ms / ours_ms if agree else None,
        "at_least": wanted, "aim": aim, "difference": usual, "worst_difference": worst, "repetitions": len(pairs),
        "ours_spread_ms": [min(p[0]["ms"] for p in pairs), max(p[0]["ms"] for p in pairs)],
        "gflops": 2 * work / ours_ms * 1000 if work else None,
        "ours_mb": max(p[0]["mb"] for p in pairs), "peer_mb": max(p[1]["mb"] for p in pairs),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ours")
    parser.add_argument("--only", action="append", choices=list(WORKS))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeat", type=int)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    peak = float(subprocess.run([options.ours, "peak", "-"], capture_output=True, text=True).stdout or 0)
    say = (lambda *a: print(*a, file=sys.stderr)) if options.json else print
    say(f"load {load:.2f}; peak of 2 threads {peak:.0f} GFLOP/s (fused multiply-adds in registers)")
    if load > 0.5:
        say("warning: this machine is busy, so times are not to be trusted")
    rows = []
    say(f"{'work':<22}{'ours ms':>10}{'peer ms':>10}{'ratio':>8}{'bar':>6}{'aim':>6}{'GFLOP/s':>9}{'ours MB':>9}{'peer MB':>9}{'differ':>9}{'worst':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only or WORKS:
            row = measure(name, options.ours, folder, options.repeat)
            rows.append(row)
            ratio = f"{row['ratio']:.2f}" if row["ratio"] else "differ"
            say(f"{name:<22}{row['ours_ms']:>10.3g}{row['peer_ms']:>10.4g}{ratio:>8}{row['at_least'] or '-':>6}{row['aim'] or '-':>6}"
                f"{row['gflops'] and round(row['gflops']) or '-':>9}{row['ours_mb']:>9.0f}{row['peer_mb']:>9.0f}{row['difference']:>9.1e}{row['worst_difference']:>9.1e}")
    if options.json:
        print(json.dumps(rows, indent=1))
    sys.exit(0 if all(r["ratio"] for r in rows) else 1)


main()
