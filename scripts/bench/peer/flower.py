"""A Flower simulation: every client takes some steps of SGD on its own images, and the server keeps what each has sent.

    python scripts/bench/peer/flower.py FOLDER

FOLDER has digits.npz (x [n, 1, 28, 28] in 0…1, y [n]): client i has image i. Writes flower.onnx (the network of the round), and of each client
its change as flowerI.npz with the manifest flowerI.json. Needs flwr, ray, torch, onnx and numpy.
"""
import json
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation

FOLDER = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
RATE, STEPS = 0.05, 3
client, server = ClientApp(), ServerApp()


@client.train()
def train(message: Message, context: Context):
    from networks import lenet

    data = np.load(f"{FOLDER}/digits.npz")
    me = int(context.node_config["partition-id"])
    x, y = torch.tensor(data["x"][me : me + 1]), torch.tensor(data["y"][me : me + 1])
    model = lenet()
    model.load_state_dict(message.content["arrays"].to_torch_state_dict())
    optimiser = torch.optim.SGD(model.parameters(), lr=RATE)
    for _ in range(STEPS):
        optimiser.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimiser.step()
    content = RecordDict(
        {"arrays": ArrayRecord(model.state_dict()), "metrics": MetricRecord({"num-examples": len(y), "client": me})})
    return Message(content=content, reply_to=message)


class Curious(FedAvg):
    """Averages as it should, and keeps what it was sent."""

    def __init__(self, before, **options):
        super().__init__(**options)
        self.before = before

    def aggregate_train(self, server_round, replies):
        replies = list(replies)
        for reply in replies:
            after = reply.content["arrays"].to_torch_state_dict()
            me = int(reply.content["metrics"]["client"])
            np.savez(f"{FOLDER}/flower{me}.npz", **{k: (after[k] - v).numpy() for k, v in self.before.items()})
            with open(f"{FOLDER}/flower{me}.json", "w") as file:
                json.dump({"kind": "delta", "lr": RATE, "steps": STEPS, "examples": reply.content["metrics"]["num-examples"]}, file)
        return super().aggregate_train(server_round, replies)


@server.main()
def main(grid: Grid, context: Context):
    from networks import export, lenet

    torch.manual_seed(11)
    model = lenet()
    export(model.eval(), torch.zeros(1, 1, 28, 28), f"{FOLDER}/flower.onnx")
    before = {k: v.clone() for k, v in model.state_dict().items()}
    strategy = Curious(before, fraction_evaluate=0.0, min_available_nodes=CLIENTS, min_train_nodes=CLIENTS)
    strategy.start(grid=grid, initial_arrays=ArrayRecord(model.state_dict()), num_rounds=1)


CLIENTS = len(np.load(f"{FOLDER}/digits.npz")["y"])
if __name__ == "__main__":
    run_simulation(server_app=server, client_app=client, num_supernodes=CLIENTS,
                   backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}})
