"""One LeNet-300-100 training step in PyTorch, timed on demand: reads a number of steps per line, answers milliseconds per step."""
import sys
import time

import torch
from torch import nn

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
network = nn.Sequential(nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU(), nn.Linear(100, 10))
optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
images, labels = torch.randn(128, 784), torch.randint(0, 10, (128,))
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
