/**
 * @file Magnitude pruning at initialization against what follows from the distribution of the weights, on the
 * networks of arXiv 2502.11450.
 */
import { describe, expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import { prune } from '../../src/methods/prune.ts'
import { findModel } from '../../src/models/index.ts'
import { truncatedCount } from '../../src/sparsity/count.ts'
import { chooseTensors } from '../../src/sparsity/tensors.ts'
import { Network } from '../../src/train/network.ts'
import { machine } from '../train/small.ts'

const sparsities = [0.8, 0.9, 0.95, 0.98, 0.99]

/** Per sparsity: how many weights are kept, densities by fan-in, and how many kernels keep nothing. */
const cases = [
  {
    name: 'resnet18',
    n: 11_160_128,
    kept: [2_232_025, 1_116_012, 558_006, 223_202, 111_601],
    densities: {
      27: [0.929, 0.912, 0.895, 0.856, 0.812],
      64: [0.891, 0.864, 0.838, 0.779, 0.71],
      128: [0.846, 0.808, 0.771, 0.687, 0.59],
      256: [0.782, 0.728, 0.677, 0.557, 0.421],
      576: [0.673, 0.592, 0.515, 0.336, 0.131],
      1152: [0.537, 0.423, 0.314, 0.0606, 0],
      2304: [0.346, 0.184, 0.0302, 0, 0],
      4608: [0.0746, 0, 0, 0, 0],
    },
    empty: [0, 3, 3, 7, 11],
    alive: [true, true, true, true, true],
  },
  {
    name: 'vgg19',
    n: 20_018_880,
    kept: [4_003_775, 2_001_887, 1_000_944, 400_377, 200_188],
    densities: {
      27: [0.935, 0.927, 0.918, 0.899, 0.892],
      576: [0.7, 0.662, 0.623, 0.532, 0.502],
      1152: [0.575, 0.522, 0.466, 0.339, 0.296],
      2304: [0.4, 0.324, 0.246, 0.0645, 0.0042],
      4608: [0.151, 0.0447, 0, 0, 0],
    },
    empty: [0, 0, 7, 7, 7],
    alive: [true, true, false, false, false],
  },
]

describe.each(cases)('$name', ({ name, n, kept, densities, empty, alive }) => {
  it('densities, counts, empty layers and paths', () => {
    const model = findModel(name)
    const tensors = chooseTensors(model, { prunable: 'reference' })
    const fanIn = new Map(tensors.map(({ name, shape }) => [name, shape.slice(1).reduce((a, b) => a * b, 1)]))
    const network = new Network({
      machine,
      model,
      data: synthetic({ image: model.image, classes: 10, train: 1, test: 2 }),
      batch: 1,
      prunable: tensors.map((tensor) => tensor.name),
    })
    expect(network.counts().reduce((sum, { size }) => sum + size, 0)).toBe(n)
    expect(network.evaluate('test').constant).toBeUndefined()
    sparsities.forEach((sparsity, i) => {
      const result = prune(network, { sparsity, count: truncatedCount })
      expect(result.layers.reduce((sum, layer) => sum + layer.kept, 0)).toBe(kept[i])
      for (const [fan, expected] of Object.entries(densities)) {
        const layers = result.layers.filter((layer) => fanIn.get(layer.name) === Number(fan))
        const [size, left] = [layers.reduce((a, l) => a + l.size, 0), layers.reduce((a, l) => a + l.kept, 0)]
        const deviation = Math.sqrt((expected[i] * (1 - expected[i])) / size)
        expect(Math.abs(left / size - expected[i])).toBeLessThan(0.002 + 4 * deviation)
      }
      expect(result.collapsed).toHaveLength(empty[i])
      expect(result.deadOutputs).toBe(alive[i] ? 0 : 10)
      const effective = result.layers.reduce((sum, layer) => sum + layer.effective, 0)
      expect(effective > 0).toBe(alive[i])
    })
    // A network without a path gives the same answer to every input.
    if (!alive.at(-1)) expect(network.evaluate('test').constant).toBe(true)
  }, 120_000)
})
