"""torchvision's classifiers with random weights, exported to ONNX in several ways, with PyTorch's logits and gradients in float64.

    python scripts/bench/peer/torchvision_nets.py FOLDER [NAME …]

writes NAME-OPSET.onnx, NAME-dynamo.onnx and NAME.safetensors; torchvision.seep compares. See scripts/bench/peer/torchvision.
"""
import copy
import os
import sys
import time

import torch
from safetensors.torch import save_file

from networks import export, gradients, settle, torchvision

zoo = torchvision.models

NETS = {
    "resnet18": 64, "resnet50": 64, "resnext50_32x4d": 64, "mobilenet_v2": 64, "mobilenet_v3_small": 64, "vgg11": 224, "vgg16_bn": 224,
    "alexnet": 224, "squeezenet1_1": 64, "densenet121": 64, "shufflenet_v2_x1_0": 64, "mnasnet0_5": 64, "efficientnet_b0": 64,
    "regnet_x_400mf": 64, "regnet_y_400mf": 64, "googlenet": 64, "inception_v3": 96, "convnext_tiny": 64,
}


def made(name):
    options = {"num_classes": 10}
    if name in ("googlenet", "inception_v3"):
        options |= {"init_weights": True, "aux_logits": name == "inception_v3"}
    if "vgg" in name or name == "alexnet":
        options["dropout"] = 0.0
    model = getattr(zoo, name)(**options)
    if name == "inception_v3":
        model.AuxLogits, model.aux_logits = None, False
    return model


def main(folder, names):
    for i, name in enumerate(names or NETS):
        began = time.time()
        torch.manual_seed(i)
        side = NETS[name]
        x, y = torch.rand(2, 3, side, side), torch.tensor([3, 7])
        model = settle(made(name), torch.rand(4, 3, side, side)).eval()
        for parameter in model.parameters():
            parameter.requires_grad_(True)
        done = []
        for opset in (13, 17, 20):
            try:
                export(model, x, f"{folder}/{name}-{opset}.onnx", opset)
                done.append(str(opset))
            except Exception as problem:
                print(f"{name}: PyTorch does not export to opset {opset}: {str(problem).splitlines()[0]}")
            if name not in ("resnet18", "mobilenet_v2", "vgg11"):
                break
        try:
            export(model, x, f"{folder}/{name}-dynamo.onnx", 18, dynamo=True)
            done.append("dynamo")
        except Exception as problem:
            print(f"{name}: PyTorch's newer exporter fails: {str(problem).splitlines()[0]}")
        single = {k: v for k, v in gradients(model, x, y)[1].items()}
        exact = copy.deepcopy(model).double()
        logits, found = gradients(exact, x.double(), y)
        tensors = {"x": x, "y": y, "logits": logits, **{f"gradient.{k}": v for k, v in found.items()}}
        # How far PyTorch's own float32 is from it: ‖g - g'‖ / ‖g‖ over all parameters.
        norm = sum(float(v.square().sum()) for v in found.values())
        off = sum(float((single[k].double() - v).square().sum()) for k, v in found.items())
        tensors["torch_error"] = torch.tensor((off / norm) ** 0.5)
        save_file({k: v.float().contiguous() if v.is_floating_point() else v for k, v in tensors.items()}, f"{folder}/{name}.safetensors")
        print(f"{name}: {', '.join(done)} in {time.time() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
