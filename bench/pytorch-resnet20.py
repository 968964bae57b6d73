"""One ResNet-20 training step (CIFAR, batch 128) in PyTorch, timed on demand: reads a number of steps per line, answers milliseconds per step."""
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


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
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x), inplace=True)


torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
blocks, inputs = [], 16
for stage, width in enumerate([16, 32, 64]):
    for block in range(3):
        blocks.append(Block(inputs, width, 2 if stage > 0 and block == 0 else 1))
        inputs = width
network = nn.Sequential(
    nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)
)
optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
images, labels = torch.randn(128, 3, 32, 32), torch.randint(0, 10, (128,))
loss = nn.CrossEntropyLoss()


def step():
    optimizer.zero_grad()
    loss(network(images), labels).backward()
    optimizer.step()


print(torch.__version__, flush=True)
for line in sys.stdin:
    steps = int(line)
    start = time.perf_counter()
    for _ in range(steps):
        step()
    print((time.perf_counter() - start) / steps * 1000, flush=True)
