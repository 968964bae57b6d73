"""LeNet-300-100 at batch 128 in PyTorch."""
import torch
from torch import nn

from pytorch_steps import serve, start

start()
layers = nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10)
serve(nn.Sequential(*layers), torch.randn(128, 784))
