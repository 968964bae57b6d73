"""Writes checkpoints as training scripts do into a folder, and expected.json: of each file the tensors that it holds."""
import argparse, collections, json, random, sys
import numpy as np
import torch
import torch.nn as nn
import torch.nn.utils.prune as prune

torch.manual_seed(0)
folder, expected = sys.argv[1], {}


def net():
    return nn.Sequential(collections.OrderedDict(
        conv=nn.Conv2d(1, 3, 3), bn=nn.BatchNorm2d(3), flat=nn.Flatten(), fc=nn.Linear(12, 5)))


def save(name, object, state, **options):
    torch.save(object, f'{folder}/{name}', **options)
    expected[name] = {
        key: [list(t.shape), str(t.dtype)[6:], t.detach().to_dense().double().flatten().tolist()
              if t.layout != torch.strided else t.detach().double().flatten().tolist()]
        for key, t in state.items()}


model, other = net(), net()
adam = torch.optim.Adam(model.parameters())
model(torch.randn(4, 1, 4, 4)).sum().backward()
adam.step()
sgd = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
sgd.step()
state = model.state_dict()

for protocol in (2, 3, 4, 5):
    beside = dict(epoch=3, best=torch.tensor(97.5), best_np=np.float64(97.5), history=np.arange(3.0), rng=torch.get_rng_state(),
                  np_rng=np.random.get_state(), py_rng=random.getstate(), pcg=np.random.default_rng(0).bit_generator.state,
                  optimizer=adam.state_dict(), sgd=sgd.state_dict(), opt_object=sgd, seen={1, 2}, frozen=frozenset([1]),
                  counts=collections.Counter('abba'), groups=collections.defaultdict(list, a=[1]), dtype=torch.float32,
                  part=slice(1, 2), size=torch.Size([1, 2]), device=torch.device('cuda', 0), args=argparse.Namespace(lr=0.1),
                  number=1j, big=2**700, raw=b'\x00\xff', array=bytearray(b'ab'), nothing=None, deep=[{'a': (1, {2.5: 'x'})}])
    for name in ('multistep', 'cosine', 'onecycle', 'plateau'):
        make = dict(multistep=lambda: torch.optim.lr_scheduler.MultiStepLR(sgd, [2, 4]),
                    cosine=lambda: torch.optim.lr_scheduler.CosineAnnealingLR(sgd, 10),
                    onecycle=lambda: torch.optim.lr_scheduler.OneCycleLR(sgd, 0.1, 10),
                    plateau=lambda: torch.optim.lr_scheduler.ReduceLROnPlateau(sgd))
        beside[name] = make[name]().state_dict()
    for zipped in (True, False):
        kind = 'zip' if zipped else 'legacy'
        options = dict(pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
        save(f'plain-{kind}-{protocol}.pth', state, state, **options)
        save(f'before-{kind}-{protocol}.pth', {**beside, 'state_dict': state}, state, **options)
        save(f'behind-{kind}-{protocol}.pth', {'state_dict': state, **beside}, state, **options)
        save(f'two-{kind}-{protocol}.pth', {'ema': other.state_dict(), 'model': state}, state, **options)
        save(f'whole-{kind}-{protocol}.pth', model, state, **options)
        save(f'within-{kind}-{protocol}.pth', {'epoch': 1, 'model': nn.DataParallel(model)}, state, **options)

        pruned = net()
        for layer in (pruned.conv, pruned.fc):
            prune.random_unstructured(layer, 'weight', amount=0.5)
        prune.l1_unstructured(pruned.fc, 'bias', amount=2)
        product = {}
        for key, t in pruned.state_dict().items():
            if key.endswith('_orig'):
                product[key[:-5]] = t * pruned.state_dict()[key[:-5] + '_mask']
            elif not key.endswith('_mask'):
                product[key] = t
        save(f'pruned-{kind}-{protocol}.pth', pruned.state_dict(), product, **options)
        save(f'pruned-whole-{kind}-{protocol}.pth', pruned, product, **options)

        hybrid = torch.randn(4, 3, 2).relu().to_sparse(2)
        double = torch.sparse_coo_tensor([[0, 1, 0], [2, 0, 2]], [1.0, 2.0, 3.0], (2, 3))
        sparse = {'a.weight': torch.randn(4, 5).relu().to_sparse(), 'b.weight': torch.randn(4, 5).relu().to_sparse_csr(),
                  'c.weight': hybrid, 'd.weight': double, 'e.weight': nn.Parameter(torch.eye(3).to_sparse())}
        save(f'sparse-{kind}-{protocol}.pth', sparse, sparse, **options)
        base = torch.randn(40)
        views = {'a': torch.randn(3, 4).t(), 'b': torch.zeros(1).expand(30), 'c': base[3:11].view(2, 4), 'd': base[::3],
                 'e': base.view(5, 8)[:, ::2], 'f': torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
                 'g': torch.tensor(3.0), 'h': torch.zeros(0, 3), 'i': torch.randn(3, 1).expand(3, 4), 'j': base.half(),
                 'k': base.bfloat16(), 'l': base.double(), 'm': torch.arange(5), 'n': torch.tensor([True, False])}
        save(f'views-{kind}-{protocol}.pth', views, views, **options)

script = torch.jit.script(model)
script.save(f'{folder}/script.pt')
expected['script.pt'] = expected['plain-zip-2.pth']
json.dump(expected, open(f'{folder}/expected.json', 'w'))
