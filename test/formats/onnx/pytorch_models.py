# Small networks with what real ones are made of, exported by torch.onnx: python3 pytorch_models.py FOLDER
import sys
import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.blocks = nn.Sequential(Block(8, 8, 1), Block(8, 16, 2))
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.blocks(self.stem(x)), 1)
        return self.fc(torch.flatten(x, 1))


class View(nn.Module):
    """Shapes read while it runs, pooling that rounds up, a softmax at the end."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 5, padding=2)
        self.fc1 = nn.Linear(6 * 8 * 8, 20)
        self.fc2 = nn.Linear(20, 10, bias=False)
        self.dropout = nn.Dropout(0.3)

    def forward(self, x):
        x = F.max_pool2d(torch.sigmoid(self.conv(x)), 3, 4, 1, ceil_mode=True)
        x = x.view(x.size(0), -1)
        return F.softmax(self.fc2(self.dropout(F.leaky_relu(self.fc1(x), 0.2))), dim=1)


class Mobile(nn.Module):
    """Depthwise convolutions, squeeze and excitation, hard and soft swishes."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.depthwise = nn.Conv2d(8, 8, 3, 1, 1, groups=8)
        self.pointwise = nn.Conv2d(8, 12, 1)
        self.squeeze = nn.Conv2d(12, 4, 1)
        self.excite = nn.Conv2d(4, 12, 1)
        self.fc = nn.Linear(24, 7)

    def forward(self, x):
        x = F.hardswish(self.bn(self.conv(x)))
        x = F.relu6(self.pointwise(F.silu(self.depthwise(x))))
        x = x * F.hardsigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))
        x = torch.cat([F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), F.avg_pool2d(x, 3, 2, 1)], 1)
        return self.fc(x.mean([2, 3]))


class Shuffle(nn.Module):
    """Padding, channels in another order, parts of tensors."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 1)
        self.conv2 = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.fc = nn.Linear(8 * 16, 5)

    def forward(self, x):
        x = self.conv1(F.pad(x, (1, 2, 0, 1)))
        n, channels, rows, columns = x.size()
        x = x.view(n, 2, channels // 2, rows, columns).transpose(1, 2).contiguous().view(n, channels, rows, columns)
        left, right = self.conv2(F.relu(x)).chunk(2, 1)
        x = torch.cat([left, torch.tanh(right)], 1)
        return self.fc(F.avg_pool2d(x[:, :, :8, ::2], 2).reshape(-1, 8 * 16))


class Perceptron(nn.Module):
    """Vectors; a product and its bias as two operators; log probabilities."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 32)
        self.norm = nn.BatchNorm1d(32)
        self.prelu = nn.PReLU()
        self.weight = nn.Parameter(torch.randn(32, 10))
        self.bias = nn.Parameter(torch.randn(10))

    def forward(self, x):
        return torch.log_softmax(self.prelu(self.norm(self.fc(x))) @ self.weight + self.bias, dim=-1)


class Attention(nn.Module):
    """What does not run in Espalier, but has weights."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        return self.fc(self.layer(self.patches(x).flatten(2).transpose(1, 2)).mean(1))


def main(folder):
    warnings.filterwarnings('ignore')
    torch.manual_seed(0)
    cases = {
        'residual': (Residual(), (3, 16, 16)),
        'view': (View(), (1, 28, 28)),
        'mobile': (Mobile(), (3, 20, 20)),
        'shuffle': (Shuffle(), (3, 9, 13)),
        'perceptron': (Perceptron(), (64,)),
        'attention': (Attention(), (3, 8, 8)),
    }
    for name, (model, shape) in cases.items():
        for part in model.modules():
            if isinstance(part, (nn.BatchNorm1d, nn.BatchNorm2d)):
                part.running_mean.uniform_(-0.5, 0.5)
                part.running_var.uniform_(0.5, 1.5)
                nn.init.uniform_(part.weight, 0.5, 1.5)
                nn.init.uniform_(part.bias, -0.5, 0.5)
        model.eval()
        for opset in (11, 13, 17) if name != 'attention' else (14,):
            for batch in ('any', 'one'):
                for folding in (True, False):
                    x = torch.randn(1 if batch == 'one' else 2, *shape)
                    path = f'{folder}/{name}-{opset}-{batch}-{"folded" if folding else "unfolded"}.onnx'
                    options = {} if batch == 'one' else {'dynamic_axes': {'x': {0: 'n'}}}
                    torch.onnx.export(
                        model, x, path, opset_version=opset, do_constant_folding=folding,
                        input_names=['x'], output_names=['y'], **options,
                    )


main(sys.argv[1])
