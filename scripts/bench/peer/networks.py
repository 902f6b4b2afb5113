"""Small networks of the kinds that people train, and what PyTorch says of them: exported to ONNX, with logits and gradients.

    python scripts/bench/peer/networks.py Tests/Exported

writes the files that the Swift tests read; needs torch, torchvision, onnx, onnxscript and safetensors.
"""
import io
import os
import sys
import warnings

import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

try:
    import torchvision
except RuntimeError:  # a build whose compiled operators do not fit this torch; networks do not need them
    stub = torch.library.Library("torchvision", "DEF")
    stub.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    stub.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]
    import torchvision
from torchvision.models.mobilenetv2 import InvertedResidual
from torchvision.models.resnet import BasicBlock
from torchvision.ops.misc import Conv2dNormActivation, SqueezeExcitation

warnings.filterwarnings("ignore")


def lenet(classes=10, side=28, channels=1):
    """Deep Leakage from Gradients (Zhu et al. 2019)."""
    layers = []
    for i, stride in enumerate([2, 2, 1]):
        layers += [nn.Conv2d(channels if i == 0 else 12, 12, 5, padding=2, stride=stride), nn.Sigmoid()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(12 * (side // 4) ** 2, classes))
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -0.5, 0.5)
    return model


class ResNet18(nn.Module):
    """torchvision's, of other widths."""

    def __init__(self, widths=(4, 8, 8, 12), classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        before = widths[0]
        for i, width in enumerate(widths):
            stride = 1 if i == 0 else 2
            down = None
            if stride != 1 or before != width:
                down = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))
            setattr(self, f"layer{i + 1}", nn.Sequential(BasicBlock(before, width, stride, down), BasicBlock(width, width)))
            before = width
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(before, classes)

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class MobileNetV2(nn.Module):
    """torchvision's blocks, fewer of them; one with squeeze and excitation and hard swish, as in the third version."""

    def __init__(self, classes=10):
        super().__init__()
        self.features = nn.Sequential(
            Conv2dNormActivation(3, 8, stride=2, activation_layer=nn.ReLU6),
            InvertedResidual(8, 8, 1, 1), InvertedResidual(8, 12, 2, 4), InvertedResidual(12, 12, 1, 4),
            SqueezeExcitation(12, 4, scale_activation=nn.Hardsigmoid),
            Conv2dNormActivation(12, 48, kernel_size=1, activation_layer=nn.Hardswish))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(48, classes))

    def forward(self, x):
        x = self.features(x)
        return self.classifier(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


def vgg(classes=10):
    """torchvision's order of layers, narrow."""
    layers, before = [], 3
    for width in [8, "M", 12, "M", 16, 16, "M"]:
        if width == "M":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU(inplace=True)]
            before = width
    head = [nn.Linear(before * 4, 64), nn.ReLU(True), nn.Dropout(), nn.Linear(64, classes)]
    return nn.Sequential(nn.Sequential(*layers), nn.AdaptiveAvgPool2d((2, 2)), nn.Flatten(), nn.Sequential(*head))


class Mixed(nn.Module):
    """Concatenation, split and shuffle of channels, padding, layer normalisation, PReLU, GELU, a buffer."""

    def __init__(self, classes=10):
        super().__init__()
        self.register_buffer("pixel_mean", torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1))
        self.stem = nn.Conv2d(3, 8, (3, 5), stride=(1, 2), padding=(1, 2))
        self.left = nn.Conv2d(4, 4, 3, padding=1, groups=2)
        self.right = nn.Conv2d(4, 4, 3, padding=2, dilation=2)
        self.slope = nn.PReLU(8)
        self.norm = nn.LayerNorm(8)
        self.scale = nn.Parameter(torch.rand(8) + 0.5)
        self.mix = nn.Linear(8, 8, bias=False)
        self.head = nn.Linear(16, classes)

    def forward(self, x):
        x = self.slope(self.stem(F.pad(x - self.pixel_mean, (0, 1, 1, 0))))
        a, b = x.chunk(2, 1)
        x = torch.cat([self.left(a), self.right(b)], 1)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        y = F.gelu(self.mix(self.norm(x.permute(0, 2, 3, 1)))) * self.scale
        y = y.permute(0, 3, 1, 2)
        x = F.avg_pool2d(F.leaky_relu(x + y, 0.1), 2)
        return self.head(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))


def settle(model, x):
    """Statistics and affine parameters of batch normalisation as after some training."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
            module.momentum = 0.3
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.rand_like(x))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1
    return model.eval()


def export(model, x, path, opset=17, dynamo=False, free=False):
    """With all that the client trains: nothing folded."""
    keep = dict(training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False) if not dynamo else dict(optimize=False)
    axes = {"dynamic_axes": {"input": {0: "batch"}}} if free and not dynamo else {}
    quiet, sys.stdout = sys.stdout, io.StringIO()
    try:
        torch.onnx.export(model, (x,), path, opset_version=opset, dynamo=dynamo, input_names=["input"],
                          **({"external_data": False} if dynamo else {}), **keep, **axes)
    finally:
        sys.stdout = quiet
    strip(path)


def strip(path):
    """Without remarks on where each node came from."""
    model = onnx.load(path)
    model.graph.ClearField("metadata_props")
    for part in [*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(model, path)


def gradients(model, x, y, mode="eval"):
    """What a client computes: logits, and the gradient of the mean cross-entropy."""
    model.train(mode == "train")
    model.zero_grad()
    logits = model(x)
    F.cross_entropy(logits, y).backward()
    model.eval()
    return logits.detach(), {name: p.grad.detach().clone() for name, p in model.named_parameters()}


def main(folder):
    os.makedirs(folder, exist_ok=True)
    made = [("lenet", lenet(), (1, 28, 28), 17), ("resnet18", ResNet18(), (3, 48, 48), 17),
            ("mobilenet_v2", MobileNetV2(), (3, 32, 32), 14), ("vgg", vgg(), (3, 32, 32), 13),
            ("mixed", Mixed(), (3, 12, 16), 18)]
    for i, (name, model, shape, opset) in enumerate(made):
        torch.manual_seed(i)
        x = torch.rand(2, *shape)
        if name != "lenet":
            for parameter in model.parameters():
                if parameter.dim() > 1:
                    nn.init.kaiming_uniform_(parameter)
        settle(model, x)
        y = torch.tensor([3, 7])
        export(model, x, f"{folder}/{name}.onnx", opset, free=i % 2 == 0)
        export(model, x, f"{folder}/{name}_dynamo.onnx", 20 if i % 2 else 18, dynamo=True)
        logits, found = gradients(model, x, y)
        tensors = {"x": x, "y": y, "logits": logits, **{f"gradient.{k}": v for k, v in found.items()}}
        if name == "resnet18":
            state = {k: v.clone() for k, v in model.state_dict().items()}
            tensors |= {f"train.{k}": v for k, v in gradients(model, x, y, "train")[1].items()}
            model.load_state_dict(state)
        save_file({k: v.contiguous() for k, v in tensors.items()}, f"{folder}/{name}.safetensors")


if __name__ == "__main__":
    torch.manual_seed(0)
    main(sys.argv[1])
