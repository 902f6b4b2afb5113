"""Serves one work to the driver: `serve.py WORK FOLDER`. Writes its inputs to FOLDER/WORK.safetensors, prints `ready`, then for each line
of standard input runs for a while and prints a line of JSON: milliseconds, peak memory and the numbers to compare."""

import json
import os
import statistics
import struct
import sys
import time

import torch

from works import WORKS


def save(path, tensors):
    header, place, parts = {}, 0, []
    for name, tensor in tensors.items():
        wide = tensor.dtype == torch.float64
        raw = tensor.detach().contiguous().to(tensor.dtype if wide else torch.float32).numpy().tobytes()
        header[name] = {"dtype": "F64" if wide else "F32", "shape": list(tensor.shape), "data_offsets": [place, place + len(raw)]}
        place += len(raw)
        parts.append(raw)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for raw in parts:
            file.write(raw)


def peak_memory():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))


def main():
    name, folder = sys.argv[1:]
    torch.set_num_threads(2)
    torch.set_num_interop_threads(1)
    work = WORKS[name]()
    save(os.path.join(folder, name + ".safetensors"), work.data())
    print("ready", flush=True)
    for _ in sys.stdin:
        # Short works run for a quarter of a second, the first time not counted: caches and clocks are cold after a pause.
        times, begun = [], time.perf_counter()
        while not times or time.perf_counter() - begun < 0.25:
            start = time.perf_counter()
            numbers = work.run()
            spent = 1000 * (time.perf_counter() - start)
            times.append(getattr(work, "milliseconds", spent))
        ms = statistics.median(times[1:] or times)
        print(json.dumps({"ms": ms, "mb": peak_memory(), "numbers": numbers}), flush=True)


main()
