"""WRN-28-2 (CIFAR) at batch 128 in PyTorch."""
import torch
from torch import nn
from torch.nn import functional as F

from pytorch_steps import serve, start


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        same = stride == 1 and inputs == outputs
        self.shortcut = None if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        active = F.relu(self.bn1(x), inplace=True)
        y = self.conv2(F.relu(self.bn2(self.conv1(active)), inplace=True))
        return y + (x if self.shortcut is None else self.shortcut(active))


start()
blocks, inputs = [], 16
for stage, width in enumerate([32, 64, 128]):
    for block in range(4):
        blocks.append(Block(inputs, width, 2 if stage > 0 and block == 0 else 1))
        inputs = width
tail = nn.BatchNorm2d(inputs), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10)
serve(nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), *blocks, *tail), torch.randn(128, 3, 32, 32))
