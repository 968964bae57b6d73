import { describe, expect, it } from 'vitest'
import type { StoredTensor, TensorFile } from '../../src/formats/safetensors-bytes.ts'
import { Graph } from '../../src/graph/graph.ts'
import { findModel, models } from '../../src/models/index.ts'
import { namedAs } from '../../src/train/layer-names.ts'

/** Tensors of a network, each by its name, which `rename` changes; no values. */
function fileOf(model: string, rename: (name: string, at: number) => string): TensorFile {
  const { build, image } = findModel(model)
  const graph = new Graph()
  build(graph, graph.input('images', [1, ...image]), false)
  const stored = [...graph.withRole('parameter'), ...graph.withRole('buffer')]
  const tensor = (shape: readonly number[]): StoredTensor => ({ dtype: 'F32', shape, data: new Uint8Array() })
  return {
    tensors: new Map(stored.map(({ name, shape }, i) => [rename(name, i), tensor(shape)])),
    metadata: {},
  }
}

/** [name in the file, name in the network] of tensors, by the object that both hold. */
function pairs(before: TensorFile, after: TensorFile): [string, string][] {
  const names = new Map([...before.tensors].map(([name, tensor]) => [tensor, name]))
  return [...after.tensors].map(([name, tensor]) => [names.get(tensor)!, name])
}

const renamed = (model: string, rename: (name: string) => string) => {
  const file = fileOf(model, rename)
  return pairs(file, namedAs(findModel(model), file).file)
}

describe('layers that have other names in a file', () => {
  it.each(Object.keys(models))('%s: found in order where the names say nothing', (model) => {
    const layers = new Map<string, string>()
    const rename = (name: string) => {
      const dot = name.lastIndexOf('.')
      const layer = name.slice(0, dot)
      if (!layers.has(layer)) layers.set(layer, `net.${layers.size}`)
      return layers.get(layer) + name.slice(dot)
    }
    for (const [theirs, ours] of renamed(model, rename)) expect(theirs).toBe(rename(ours))
  })

  it('knows the names of torchvision, which has its projections behind the block', () => {
    const torchvision = (name: string) => name.replace('.shortcut.', '.downsample.').replace('linear', 'fc')
    const names = renamed('resnet50-cifar', torchvision)
    expect(names).toContainEqual(['layer1.0.downsample.0.weight', 'layer1.0.shortcut.0.weight'])
    for (const [theirs, ours] of names) expect(theirs).toBe(torchvision(ours))
  })

  it('keeps projections apart from other convolutions of their shape, wherever they stand', () => {
    const file = fileOf('resnet50-cifar', (name) => `m.${name.replace('.shortcut.', '.skip.')}`)
    const front = [...file.tensors].toSorted(([a], [b]) => Number(b.includes('skip')) - Number(a.includes('skip')))
    const shuffled = { ...file, tensors: new Map(front) }
    for (const [theirs, ours] of pairs(file, namedAs(findModel('resnet50-cifar'), shuffled).file))
      expect(theirs).toBe(`m.${ours.replace('.shortcut.', '.skip.')}`)
  })

  it('counts where names are sorted letter by letter', () => {
    const file = fileOf('vgg19', (name) => `features.${name}`)
    const sorted = { ...file, tensors: new Map([...file.tensors].toSorted(([a], [b]) => (a < b ? -1 : 1))) }
    expect([...sorted.tensors.keys()].filter((name) => /conv1.*weight/.test(name))[1]).toBe('features.conv10.weight')
    for (const [theirs, ours] of pairs(file, namedAs(findModel('vgg19'), sorted).file))
      expect(theirs).toBe(`features.${ours}`)
  })

  it('leaves layers by their names where only others are renamed, in whatever order they stand', () => {
    const file = fileOf('vgg16', (name) => name.replace('linear', 'classifier'))
    const reversed = { ...file, tensors: new Map([...file.tensors].toReversed()) }
    const named = namedAs(findModel('vgg16'), reversed)
    expect(named.renamed).toEqual(new Map([['classifier', 'linear']]))
    for (const [theirs, ours] of pairs(file, named.file)) expect(theirs).toBe(ours.replace('linear', 'classifier'))
  })

  it('takes masks and momenta along', () => {
    const file = fileOf('mlpnet', (name) => name.replace('fc', 'layers.'))
    file.tensors.set('layers.2.mask', { dtype: 'F32', shape: [20, 40], data: new Uint8Array() })
    expect([...namedAs(findModel('mlpnet'), file).file.tensors.keys()]).toContain('fc2.mask')
  })

  it('leaves everything as it is where a layer has another shape, is missing, or is left over', () => {
    const other = (change: (file: TensorFile) => void) => {
      const file = fileOf('lenet-5', (name) => `net.${name}`)
      change(file)
      const named = namedAs(findModel('lenet-5'), file)
      expect(named.file).toBe(file)
      expect(named.renamed.size).toBe(0)
    }
    other(({ tensors }) => tensors.set('net.fc2.weight', { ...tensors.get('net.fc2.weight')!, shape: [11, 500] }))
    other(({ tensors }) => tensors.delete('net.fc2.bias'))
    other(({ tensors }) => tensors.delete('net.conv1.weight') && tensors.delete('net.conv1.bias'))
    other(({ tensors }) => tensors.set('net.more.weight', tensors.get('net.fc2.weight')!))
  })
})
