"""The networks of the comparison in PyTorch, with parameters in the order in which Seep lists them."""

import torch
from torch import nn


class Block(nn.Module):
    """Basic residual block (He et al. 2016)."""

    def __init__(self, inside, outside, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.shortcut = None
        if stride != 1 or inside != outside:
            self.shortcut = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (x if self.shortcut is None else self.shortcut(x)))


def resnet18(classes, stem):
    if stem == "cifar":
        layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    else:
        layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    width = 64
    for stage in range(4):
        for block in range(2):
            layers.append(Block(width, 64 << stage, 2 if stage > 0 and block == 0 else 1))
            width = 64 << stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


def lenet():
    """DLG's network for 28x28 images."""
    net = nn.Sequential(
        nn.Conv2d(1, 12, 5, 2, 2), nn.Sigmoid(), nn.Conv2d(12, 12, 5, 2, 2), nn.Sigmoid(),
        nn.Conv2d(12, 12, 5, 1, 2), nn.Sigmoid(), nn.Flatten(), nn.Linear(588, 10))
    for p in net.parameters():
        nn.init.uniform_(p, -0.5, 0.5)
    return net


def convnet64():
    """Inverting Gradients' ConvNet as its code builds it (eight convolutions)."""
    layers, inside = [], 3
    for index, factor in enumerate([1, 2, 2, 4, 4, 4, 4, 4]):
        layers += [nn.Conv2d(inside, 64 * factor, 3, 1, 1), nn.BatchNorm2d(64 * factor), nn.ReLU()]
        inside = 64 * factor
        if index in (5, 7):
            layers.append(nn.MaxPool2d(3))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * 9, 10))


def wgan_generator():
    """The CelebA generator of GGL: 128 latent numbers to 3x32x32."""
    return nn.Sequential(
        nn.Linear(128, 8192), nn.BatchNorm1d(8192), nn.ReLU(), nn.Unflatten(1, (512, 4, 4)),
        nn.ConvTranspose2d(512, 256, 2, 2), nn.BatchNorm2d(256), nn.ReLU(),
        nn.ConvTranspose2d(256, 128, 2, 2), nn.BatchNorm2d(128), nn.ReLU(),
        nn.ConvTranspose2d(128, 3, 2, 2), nn.Tanh())


def digits_generator():
    """The generator of Seep's bundled digits prior, without the class columns."""
    return nn.Sequential(
        nn.Linear(32, 3136), nn.BatchNorm1d(3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 1, 3, 1, 1), nn.Sigmoid())


def critic():
    """The critic of GGL's CelebA generator."""
    return nn.Sequential(
        nn.Conv2d(3, 128, 3, 2, 1), nn.LeakyReLU(0.01), nn.Conv2d(128, 256, 3, 2, 1), nn.LeakyReLU(0.01),
        nn.Conv2d(256, 512, 3, 2, 1), nn.LeakyReLU(0.01), nn.Flatten(), nn.Linear(8192, 1))


def calibrated(net, x):
    """Batch normalisation's statistics set to those of `x`; eval mode."""
    net.train()
    for m in net.modules():
        if isinstance(m, (nn.BatchNorm2d, nn.BatchNorm1d)):
            m.momentum = 1.0
    with torch.no_grad():
        net(x)
    return net.eval()


def buffers(net):
    return [b for name, b in net.named_buffers() if "num_batches" not in name]
