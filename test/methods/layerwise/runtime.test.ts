/** @file Layers pruned by what ONNX Runtime says goes into them, beside the same network pruned here. */
import { describe, expect, it } from 'vitest'
import type { Dataset } from '../../../src/data/dataset.ts'
import { openModel, parseOnnx } from '../../../src/formats/onnx/file.ts'
import { readOnnx } from '../../../src/formats/onnx/onnx.ts'
import { withTensors } from '../../../src/formats/onnx/rewrite.ts'
import { numbersOf } from '../../../src/formats/onnx/tensor.ts'
import { RuntimeSession } from '../../../src/formats/onnxruntime/session.ts'
import { tappedModel } from '../../../src/formats/onnxruntime/tapped.ts'
import { type StoredTensor, storeFloats } from '../../../src/formats/safetensors-bytes.ts'
import { pruneSparseGpt } from '../../../src/methods/layerwise/in-sequence.ts'
import { pruneInRuntime, type RuntimePruning } from '../../../src/methods/layerwise/runtime-prune.ts'
import { loadWeights } from '../../../src/train/checkpoint.ts'
import { Network } from '../../../src/train/network.ts'
import { random } from '../../../src/util/random.ts'
import { type Step, type Stored, type Written, written } from '../../formats/onnx/build.ts'
import { normal } from '../../formats/onnx/same.ts'
import { best } from '../../support/engines.ts'

const weight = (name: string, shape: readonly number[]): Stored => ({
  shape,
  values: normal(shape, name).map((value) => value / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1))),
})

const COUNT = 24
const IMAGE = [4, 7, 6] as const

/** Convolutions with a stride and groups, products on matrices of both orders. */
const layers: Written = {
  input: [-1, ...IMAGE],
  stored: {
    w1: weight('w1', [8, 4, 3, 3]),
    b1: weight('b1', [8]),
    w2: weight('w2', [6, 4, 3, 2]),
    w3: weight('w3', [36, 10]),
    w4: weight('w4', [5, 10]),
    b4: weight('b4', [5]),
  },
  steps: [
    { op: 'Conv', inputs: ['x', 'w1', 'b1'], attributes: { strides: [2, 1], pads: [1, 0, 1, 1] } },
    { op: 'Relu', inputs: ['v1'] },
    { op: 'Conv', inputs: ['v2', 'w2'], attributes: { group: 2, dilations: [1, 2] } },
    { op: 'Flatten', inputs: ['v3'] },
    { op: 'MatMul', inputs: ['v4', 'w3'] },
    { op: 'Relu', inputs: ['v5'] },
    { op: 'Gemm', inputs: ['v6', 'w4', 'b4'], attributes: { transB: 1 } },
  ],
}

/** Pixels as bytes, and what a network makes of them without mean and deviation. */
const draw = random(2, 'pixels')
const pixels = Uint8Array.from({ length: COUNT * 4 * 7 * 6 }, () => draw.below(256))
const sample = (i: number, size: number) => Float32Array.from(pixels.subarray(i * size, (i + 1) * size), (p) => p / 255)
const samplesOf = (shape: readonly number[]): RuntimePruning['samples'] => {
  const size = shape.reduce((product, n) => product * n, 1)
  return Array.from(
    { length: COUNT },
    (_, i) => new Map([['x', { type: 'F32', shape: [1, ...shape], values: sample(i, size) }]]),
  )
}

const valuesOf = (tensor: StoredTensor) => Array.from(numbersOf(tensor))

describe('SparseGPT', () => {
  it.each(['layerwise', 'erk'] as const)('%s: the weights are those of the same network pruned here', async (scope) => {
    const bytes = written(layers)
    const found = await pruneInRuntime(parseOnnx(bytes, 'layers.onnx'), {
      machine: best,
      method: 'sparsegpt',
      sparsity: 0.6,
      scope,
      samples: samplesOf(IMAGE),
    })

    const { onnx } = readOnnx(bytes, 'layers.onnx')
    if (onnx.network instanceof Error) throw onnx.network
    const { model, tensors } = onnx.network
    const part = { count: COUNT, images: pixels, labels: new Uint8Array(COUNT) }
    const data: Dataset = {
      name: 'pixels',
      classes: 5,
      image: IMAGE,
      mean: [0, 0, 0, 0],
      std: [1, 1, 1, 1],
      train: part,
      test: part,
    }
    const network = new Network({ machine: best, model, data, batch: 1 })
    loadWeights(network, { tensors, metadata: {} }, 'layers.onnx')
    const { reconstructions } = pruneSparseGpt(network, { sparsity: 0.6, scope })

    expect(found.left).toEqual([])
    expect([...found.changes.keys()]).toEqual(['w1', 'w2', 'w3', 'w4'])
    for (const [key, tensor] of found.changes) {
      const [here, there] = [Array.from(network.values(key)), valuesOf(tensor)]
      const [rows, columns] = tensor.shape
      // A matrix of a MatMul is held with its axes exchanged.
      const ordered = key === 'w3' ? there.map((_, i) => there[(i % rows) * columns + Math.floor(i / rows)]) : there
      expect(ordered.filter((w) => w === 0).length).toBe(here.filter((w) => w === 0).length)
      const largest = Math.max(...here.map(Math.abs))
      expect(Math.max(...ordered.map((w, i) => Math.abs(w - here[i])))).toBeLessThan(1e-3 * largest)
    }
    for (const [i, { name, error }] of reconstructions.entries()) {
      expect(found.reconstructions[i].name).toBe(name)
      expect(found.reconstructions[i].error).toBeCloseTo(error, 4)
    }
  })
})

/** A grid that is sampled, which does not run here, between two products with places. */
const sampled: Written = {
  input: [1, 4, 6, 5],
  stored: {
    w1: weight('w1', [6, 4, 3, 3]),
    grid: { shape: [1, 4, 3, 2], values: normal([1, 4, 3, 2], 'grid').map((value) => Math.tanh(value)) },
    w2: weight('w2', [3, 7]),
    recurrent: weight('recurrent', [1, 12, 7]),
    r: weight('r', [1, 12, 3]),
  },
  steps: [
    { op: 'Conv', inputs: ['x', 'w1'], attributes: { pads: [1, 1, 1, 1] } },
    { op: 'GridSample', inputs: ['v1', 'grid'] },
    { op: 'MatMul', inputs: ['v2', 'w2'] },
    { op: 'Squeeze', inputs: ['v3', 'axes'] },
    { op: 'LSTM', inputs: ['v4', 'recurrent', 'r'], attributes: { hidden_size: 3 } },
  ] satisfies Step[],
}
sampled.stored!.axes = { shape: [1], values: [0], whole: true }

type File = ReturnType<typeof parseOnnx>
type Changes = ReadonlyMap<string, StoredTensor>

/** |y' - y|^2 of all samples, where y' is what the file computes with other tensors. */
async function moved(file: File, changes: Changes): Promise<number> {
  const models = [file, openModel(withTensors(file, changes), 'changed.onnx')]
  const outputs = await Promise.all(
    models.map(async (model) => {
      const session = await RuntimeSession.open(tappedModel(model, []), { path: 'changed.onnx', purpose: 'the test' })
      const values: number[] = []
      for (const sample of samplesOf([4, 6, 5])) values.push(...(await session.run(sample)).get('y')!.values)
      await session.close()
      return values
    }),
  )
  return outputs[0].reduce((sum, y, i) => sum + (outputs[1][i] - y) ** 2, 0)
}

/** The smaller half of each tensor gone. */
function byMagnitude(file: File, keys: readonly string[]): Changes {
  return new Map(
    keys.map((key) => {
      const stored = file.stored.get(key)!()
      const values = Float32Array.from(numbersOf(stored))
      const limit = values.map(Math.abs).sort()[Math.ceil(values.length / 2)]
      return [
        key,
        storeFloats(
          values.map((w) => (Math.abs(w) < limit ? 0 : w)),
          stored.shape,
        ),
      ]
    }),
  )
}

describe('a model that does not run here', () => {
  const bytes = written(sampled)
  const options = { machine: best, sparsity: 0.5, scope: 'layerwise', samples: samplesOf([4, 6, 5]) } as const

  it.each(['sparsegpt', 'obc'] as const)(
    '%s: counts are exact, outputs move less than by magnitude',
    async (method) => {
      const file = parseOnnx(bytes, 'sampled.onnx')
      const found = await pruneInRuntime(file, { ...options, method })
      expect(found.layers).toEqual([
        { name: 'w1', size: 216, kept: 108 },
        { name: 'w2', size: 21, kept: 10 },
      ])
      expect(found.left.map(({ key }) => key)).toEqual(['recurrent', 'r'])
      expect(await moved(file, found.changes)).toBeLessThan(0.7 * (await moved(file, byMagnitude(file, ['w1', 'w2']))))
    },
  )

  it('one sentence says what cannot be pruned, and why', async () => {
    const file = parseOnnx(bytes, 'sampled.onnx')
    await expect(pruneInRuntime(file, { ...options, method: 'obc', keys: ['r'] })).rejects.toThrow(
      'sampled.onnx: r cannot be pruned by what goes into it: no convolution or product of the main graph reads it as it is stored',
    )
    await expect(pruneInRuntime(file, { ...options, method: 'obc', samples: [] })).rejects.toThrow(
      'samples: expected at least one',
    )
    const narrow = { type: 'F32', shape: [1, 4, 6, 4], values: new Float32Array(96) } as const
    const wrong = [new Map([['x', narrow]])]
    await expect(pruneInRuntime(file, { ...options, method: 'obc', samples: wrong })).rejects.toThrow(
      /^sampled.onnx does not run in onnxruntime-node: .*dimension/,
    )
  })
})
