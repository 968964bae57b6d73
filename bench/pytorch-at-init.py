"""Criteria of pruning at initialization for ResNet-18 (CIFAR) in PyTorch: seconds per unit of work, and the most memory that the process took.

Arguments: threads, kind, units. A unit is, by kind,
  gradient    the gradient of a batch of 100
  squares     the gradient of one sample, squared: the loop over samples that an empirical Fisher matrix takes without further tools
  grasp       the gradient of a batch of 50, then the Hessian times it
  hutchinson  ten products of the Hessian of a batch of 50 with random signs
  flow        one round of SynFlow
"""
import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

threads, kind, units = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
torch.set_num_threads(threads)
torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


blocks, inputs = [], 64
for stage, width in enumerate([64, 128, 256, 512]):
    for block in range(2):
        blocks.append(Block(inputs, width, 2 if stage > 0 and block == 0 else 1))
        inputs = width
network = nn.Sequential(
    nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10)
).eval()
weights = [p for p in network.parameters() if p.dim() > 1]
images, labels = torch.randn(100, 3, 32, 32), torch.randint(0, 10, (100,))
totals = [torch.zeros_like(w) for w in weights]
more = [torch.zeros_like(w) for w in weights]


def loss_of(start, end):
    return F.cross_entropy(network(images[start:end]), labels[start:end])


def gradient(_):
    for total, g in zip(totals, torch.autograd.grad(loss_of(0, 100), weights)):
        total += g


def squares(unit):
    sample = unit % 100
    for total, square, g in zip(totals, more, torch.autograd.grad(loss_of(sample, sample + 1), weights)):
        total += g
        square += g * g


def grasp(_):
    for total, g in zip(totals, torch.autograd.grad(loss_of(0, 50), weights)):
        total += g
    gradients = torch.autograd.grad(loss_of(0, 50), weights, create_graph=True)
    product = sum((g * total).sum() for g, total in zip(gradients, totals))
    for result, h in zip(more, torch.autograd.grad(product, weights)):
        result += h


def hutchinson(_):
    gradients = torch.autograd.grad(loss_of(0, 50), weights, create_graph=True)
    for probe in range(10):
        signs = [torch.randint(0, 2, w.shape).float() * 2 - 1 for w in weights]
        for total, z, h in zip(totals, signs, torch.autograd.grad(gradients, weights, signs, retain_graph=probe < 9)):
            total += z * h


def flow(_):
    with torch.no_grad():
        for p in network.parameters():
            p.abs_()
    for total, g in zip(totals, torch.autograd.grad(network(torch.ones(1, 3, 32, 32)).sum(), weights)):
        total.copy_(g)


step = {"gradient": gradient, "squares": squares, "grasp": grasp, "hutchinson": hutchinson, "flow": flow}[kind]
step(0)
begin = time.perf_counter()
for unit in range(units):
    step(unit)
seconds = (time.perf_counter() - begin) / units
print(json.dumps({"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
