/** @file Networks whose maps are so wide that kernels do not take the usual number of samples. */
import { expect, it } from 'vitest'
import { convLayer } from '../../src/graph/operators/conv.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { globalAveragePool } from '../../src/graph/operators/pooling.ts'
import { flatten } from '../../src/graph/operators/shape.ts'
import { pruneBy } from '../../src/methods/prune-by.ts'
import type { Model } from '../../src/models/model.ts'
import { batchTaken } from '../../src/train/batch-limit.ts'
import { weightsOf } from '../../src/train/checkpoint.ts'
import { evaluationBatch } from '../../src/train/evaluation.ts'
import { Network } from '../../src/train/network.ts'
import { random } from '../../src/util/random.ts'
import { machine } from './small.ts'

/** Sound of so many samples, a convolution along it, and two classes. */
const soundModel = (length: number): Model => ({
  name: 'sound',
  summary: 'for tests',
  image: [1, 1, length],
  classes: 2,
  build(graph, images) {
    const x = convLayer(graph, images, 'conv', 2, 5, { stride: 4, pad: 2 })
    return linear(graph, flatten(graph, globalAveragePool(graph, x)), 'fc', 2)
  },
})

it('a batch is halved until the kernels take it', () => {
  expect(batchTaken(soundModel(200), 40)).toBe(40)
  const wide = soundModel(4000)
  expect([evaluationBatch(wide), batchTaken(wide, 100)]).toEqual([2, 3])
  // A single sample that is too large stays what it is, and its error says so.
  expect(batchTaken(soundModel(200_000), 40)).toBe(1)
  expect(evaluationBatch({ ...wide, oneByOne: true })).toBe(1)
})

it('more samples than the kernels take at a time are evaluated, and calibrate', async () => {
  const model = soundModel(4000)
  const draw = random(1, 'sound')
  const part = (count: number) => ({
    count,
    images: Uint8Array.from({ length: count * 4000 }, () => draw.below(256)),
    labels: Uint8Array.from({ length: count }, () => draw.below(2)),
  })
  const shape = { name: 'sounds', classes: 2, image: model.image, mean: [0.5], std: [0.3] } as const
  const data = { ...shape, train: part(41), test: part(45) }
  const network = new Network({ machine, model, data })
  const { loss, count } = network.evaluate('test')
  expect(count).toBe(45)
  // Sample by sample.
  const alone = new Network({ machine, model: { ...model, oneByOne: true }, data })
  for (const { name } of network.stored) alone.values(name).set(network.values(name))
  expect(loss).toBeCloseTo(alone.evaluate('test').loss, 5)
  const weights = weightsOf(network)
  const settings = { samples: 41, polish: 0 }
  const options = { machine, model, data, weights, source: 'sound', sparsity: 0.5, settings }
  expect((await pruneBy('sparsegpt', options)).result.sparsity).toBeGreaterThanOrEqual(0.5)
})
