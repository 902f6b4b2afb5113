"""Seep's CMA-ES against pycma and nevergrad on the same problems, evaluated by the same code, with the same number of evaluations.
`drive.py ENGINE_BENCH LIBRARY [--only NAME] [--json] [--targets N]`."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings

import cma
import nevergrad as ng
import numpy as np

warnings.filterwarnings("ignore")

POPULATION = 50
# Name: what it is, dimension, evaluations.
PROBLEMS = {
    "ggl": ("GGL on a private digit, LeNet, clip(4) >> noise(0.01) >> prune(0.9)", 32, 5000),
    "sphere": ("sphere", 20, 3000),
    "ellipsoid": ("ellipsoid, condition 1e6", 20, 20000),
    "rosenbrock": ("Rosenbrock", 20, 20000),
    "rastrigin": ("Rastrigin", 10, 10000),
    "ackley": ("Ackley", 20, 10000),
}


class Engine:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, **request):
        print(json.dumps(request), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit("engine-bench ended")
        return json.loads(line)


def pycma(engine, dimension, budget, seed):
    strategy = cma.CMAEvolutionStrategy(
        np.zeros(dimension), 1, {"popsize": POPULATION, "seed": seed + 1, "verbose": -9, "maxfevals": budget})
    best, spent = np.inf, 0
    while spent + POPULATION <= budget and not strategy.stop():
        points = strategy.ask()
        values = engine.ask(points=[list(map(float, p)) for p in points])["values"]
        strategy.tell(points, values)
        spent += len(points)
        best = min(best, min(values))
    return best


def nevergrad(engine, dimension, budget, seed, population):
    space = ng.p.Array(shape=(dimension,))
    space.random_state.seed(seed)
    make = ng.optimizers.ParametrizedCMA(popsize=population) if population else ng.optimizers.registry["CMA"]
    optimizer = make(parametrization=space, budget=budget, num_workers=POPULATION)
    best = np.inf
    for _ in range(budget // POPULATION):
        candidates = [optimizer.ask() for _ in range(POPULATION)]
        values = engine.ask(points=[list(map(float, c.value)) for c in candidates])["values"]
        for candidate, value in zip(candidates, values):
            optimizer.tell(candidate, value)
        best = min(best, min(values))
    return best


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("library")
    parser.add_argument("--only", choices=PROBLEMS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--targets", type=int, default=15)
    options = parser.parse_args()
    engine = Engine([options.engine, "search", options.library])
    load = os.getloadavg()[0]
    if not options.json:
        print(f"load {load:.2f}; median of the best loss over {options.targets} targets, one seed each, populations of {POPULATION}")
        if load > 0.8:
            print("this machine is busy; losses do not depend on it", file=sys.stderr)
        print(f"{'work':12}{'evaluations':>12}{'ours':>12}{'pycma':>12}{'nevergrad':>12}{'its default':>13}  no worse")
    rows = []
    for name in [options.only] if options.only else PROBLEMS:
        what, dimension, budget = PROBLEMS[name]
        found = {"ours": [], "pycma": [], "nevergrad": [], "nevergrad_own": []}
        began = time.time()
        for target in range(options.targets):
            dimension = engine.ask(open=name, index=target, dimension=dimension)["dimension"]
            found["ours"].append(engine.ask(search="cma_es", budget=budget, seed=target)["value"])
            found["pycma"].append(pycma(engine, dimension, budget, target))
            found["nevergrad"].append(nevergrad(engine, dimension, budget, target, POPULATION))
            # What nevergrad calls CMA, with settings of its own choice, as GGL's published code uses it.
            found["nevergrad_own"].append(nevergrad(engine, dimension, budget, target, None))
        medians = {side: statistics.median(values) for side, values in found.items()}
        # Below 1e-9 all have found the optimum; within 2 % of each other two medians are the same.
        # A smaller population gets further down a bowl in few evaluations; on the task itself ours must hold against the default too.
        best = min(medians[side] for side in medians if side != "ours" and (name == "ggl" or side != "nevergrad_own"))
        rows.append({
            "work": name, "what": what, "evaluations": budget, **medians, "seconds": time.time() - began,
            "no_worse": medians["ours"] <= max(best * 1.02, 1e-9), "losses": found})
        if not options.json:
            print(f"{name:12}{budget:12}{medians['ours']:12.4g}{medians['pycma']:12.4g}{medians['nevergrad']:12.4g}{medians['nevergrad_own']:13.4g}"
                  f"  {'yes' if rows[-1]['no_worse'] else 'NO'}", flush=True)
    if options.json:
        print(json.dumps(rows))
    sys.exit(0 if all(row["no_worse"] for row in rows) else 1)


main()
