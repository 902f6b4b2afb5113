"""A client in PyTorch: its network as ONNX, the gradient of a known example (the canary), and the gradient that it sends of a private one.

    python scripts/bench/peer/client.py FOLDER

FOLDER has digits.npz (x [n, 1, 28, 28] in 0…1, y [n]); needs torch, onnx, safetensors and numpy.
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from networks import export, lenet

MEAN, STD = 0.1307, 0.3081


def send(model, x, y, path):
    model.zero_grad()
    F.cross_entropy(model((x - MEAN) / STD), y).backward()
    manifest = {"kind": "gradient", "examples": len(y), "normalisation": {"mean": [MEAN], "std": [STD]}}
    save_file({name: p.grad for name, p in model.named_parameters()}, path, metadata={"seep.update": json.dumps(manifest)})


def main(folder):
    torch.manual_seed(7)
    data = np.load(f"{folder}/digits.npz")
    x, y = torch.tensor(data["x"]), torch.tensor(data["y"])
    model = lenet().eval()
    export(model, x[:1], f"{folder}/client.onnx")
    send(model, x[:1], y[:1], f"{folder}/canary.safetensors")
    for i in range(1, len(y)):
        send(model, x[i : i + 1], y[i : i + 1], f"{folder}/update{i}.safetensors")


if __name__ == "__main__":
    main(sys.argv[1])
