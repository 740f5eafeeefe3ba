"""Networks laid out as other projects lay them out, with layers of any width, to write their files with."""

import torch
from torch import nn
from torch.nn import functional


class KuangliuBlock(nn.Module):
    """Laid out as pytorch-cifar's BasicBlock: conv1, bn1, conv2, bn2, shortcut."""

    def __init__(self, inside: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or inside != planes:
            self.shortcut = nn.Sequential(nn.Conv2d(inside, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(out)) + self.shortcut(x))


class KuangliuResNet(nn.Module):
    """Laid out as pytorch-cifar's ResNet: conv1, bn1, layer1 to layer4, linear."""

    def __init__(self, width: int, classes: int = 10, blocks: tuple[int, ...] = (2, 2, 2, 2)) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        inside = width
        for stage, count in enumerate(blocks):
            planes, layers = width * 2**stage, []
            for block in range(count):
                layers.append(KuangliuBlock(inside, planes, 2 if stage and not block else 1))
                inside = planes
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layers))
        self.linear = nn.Linear(inside, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = functional.relu(self.bn1(self.conv1(x)))
        for stage in range(1, 5):
            out = self.get_submodule(f"layer{stage}")(out)
        logits: torch.Tensor = self.linear(functional.avg_pool2d(out, 4).flatten(1))
        return logits


def stirred(network: nn.Module) -> nn.Module:
    """The network with running statistics as training leaves them."""
    with torch.no_grad():
        network.train()(torch.randn(8, 3, 32, 32))
    return network.eval()
