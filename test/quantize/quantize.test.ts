/** @file Whole models: what ONNX Runtime makes of what is written, and what the written numbers are. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { onnxBytes } from '../../src/formats/onnx/export.ts'
import { type OnnxFile, parseOnnx } from '../../src/formats/onnx/file.ts'
import { numbersOf } from '../../src/formats/onnx/tensor.ts'
import { type QuantizeOptions, quantize } from '../../src/quantize/quantize.ts'
import { UserError } from '../../src/util/errors.ts'
import type { ModelText } from '../formats/onnx/models.ts'
import { byOnnxRuntime, here } from '../formats/onnx/outputs.ts'
import { quantizable, text } from './model.ts'

/** How often each operator is there once ONNX Runtime has made the model its own. */
async function fused(file: OnnxFile): Promise<Record<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-'))
  try {
    const path = join(folder, 'fused.onnx')
    await InferenceSession.create(onnxBytes(file.proto), {
      optimizedModelFilePath: path,
      graphOptimizationLevel: 'extended',
      logSeverityLevel: 3,
    } as InferenceSession.SessionOptions)
    const counts: Record<string, number> = {}
    for (const { opType } of parseOnnx(readFileSync(path), path).graph.node) counts[opType] = (counts[opType] ?? 0) + 1
    return counts
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const numbers = (file: OnnxFile, name: string) => Array.from(numbersOf(file.stored.get(name)!()))

const every: [string, (runs: QuantizeOptions['runs']) => QuantizeOptions][] = [
  ['as usual', (runs) => ({ activations: {}, runs })],
  [
    'int8 values, rounded each by itself',
    (runs) => ({ weights: { rounding: 'nearest' }, activations: { type: 'int8', rule: 'min-max' }, runs }),
  ],
  [
    'weights with zero points',
    (runs) => ({ weights: { symmetric: false }, activations: { rule: 'percentile' }, runs }),
  ],
  ['weights alone', () => ({})],
]

describe.each(every)('%s', (what, optionsOf) => {
  const { given, runs } = quantizable(text)
  const { layers, left, assemble } = quantize(given, optionsOf(runs))
  const { file, notes, values } = assemble()

  it('all layers are whole', () => {
    expect(left).toEqual([])
    expect(notes).toEqual([])
    expect(layers.map(({ name }) => name)).toEqual([
      'stem',
      'depthwise',
      'pointwise',
      'grouped',
      'wide',
      'tall',
      'last',
    ])
    expect(values).toBe(what === 'weights alone' ? 0 : 11)
  })

  it('codes stand for what the network was rounded to, and zeros are zero points', () => {
    for (const { name, values: meant } of layers) {
      const stored = numbers(given.file, name)
      const [codes, scales, zeros] = ['quantized', 'scale', 'zero_point'].map((part) =>
        numbers(file, `${name}_${part}`),
      )
      const { shape } = file.stored.get(`${name}_quantized`)!()
      const transposed = name === 'tall' || name === 'last'
      const outputs = scales.length
      codes.forEach((code, i) => {
        const output = transposed ? i % outputs : Math.floor(i / (codes.length / outputs))
        const place = transposed ? output * shape[0] + Math.floor(i / outputs) : i
        expect(Math.fround(scales[output] * (code - zeros[output]))).toBe(meant[place])
        if (stored[i] === 0) expect(code).toBe(zeros[output])
      })
    }
  })

  it('is near the model in floats, and the same here as in ONNX Runtime', async () => {
    const [before, after] = [given.file, file].map((one) => onnxBytes(one.proto))
    const [dense, ort] = [await byOnnxRuntime(before, {}, 3), await byOnnxRuntime(after, {}, 3)]
    const [meant, found, mine] = [dense, ort, here(after, {}, 3)].map((one) => one.get('y')!.values)
    const size = Math.max(...meant.map(Math.abs))
    const apart = Math.max(...found.map((y, i) => Math.abs(y - meant[i])))
    expect(apart).toBeLessThan(0.06 * size)
    expect(apart).toBeGreaterThan(0)
    // Of values in the middle between two codes either may be taken.
    expect(Math.max(...found.map((y, i) => Math.abs(y - mine[i])))).toBeLessThan(0.01 * size)
  })

  it.skipIf(what === 'weights alone')('ONNX Runtime computes it in whole numbers', async () => {
    const counts = await fused(file)
    for (const op of ['Relu', 'Clip']) expect(counts[op]).toBeUndefined()
    expect(counts).toMatchObject({ QLinearGlobalAveragePool: 1, QGemm: 2 })
    // Of int8 values that two nodes read it computes the nodes in floats where it wants uint8.
    if (what.startsWith('int8')) expect(counts.QLinearConv).toBeGreaterThanOrEqual(2)
    else expect(counts).toMatchObject({ QLinearConv: 4, QLinearAdd: 1 })
  })
})

it('layers that stay floats are as they were', async () => {
  const { given, runs } = quantizable(text)
  const { assemble } = quantize(given, { activations: {}, runs })
  const { file } = assemble(new Set(['pointwise', 'wide']))
  for (const name of ['stem', 'depthwise', 'grouped', 'tall', 'last'])
    expect(numbers(file, name)).toEqual(numbers(given.file, name))
  expect((await fused(file)).QLinearConv).toBe(1)
})

/** How far outputs for 3 samples are from those of the dense model, and ours from those of ONNX Runtime. */
async function apart(dense: OnnxFile, file: OnnxFile) {
  const [before, after] = [dense, file].map((one) => onnxBytes(one.proto))
  const results = [await byOnnxRuntime(before, {}, 3), await byOnnxRuntime(after, {}, 3), here(after, {}, 3)]
  const [meant, found, mine] = results.map((one) => one.get('y')!.values)
  const size = Math.max(...meant.map(Math.abs))
  const most = (list: readonly number[]) => Math.max(...list.map((y, i) => Math.abs(y - found[i]))) / size
  return { dense: most(meant), here: most(mine) }
}

it('rounded while it runs: whole products, near the model in floats, and the same here as in ONNX Runtime', async () => {
  const { given } = quantizable(text)
  const { file } = quantize(given, { activations: 'dynamic' }).assemble()
  const count = (op: string) => file.graph.node.filter(({ opType }) => opType === op).length
  expect([count('ConvInteger'), count('MatMulInteger'), count('Conv'), count('Gemm'), count('MatMul')]).toEqual([
    4, 3, 0, 0, 0,
  ])
  // What two layers read is rounded once.
  expect(count('DynamicQuantizeLinear')).toBe(7)
  const distance = await apart(given.file, file)
  expect(distance.dense).toBeLessThan(0.05)
  expect(distance.here).toBeLessThan(0.01)
})

describe.each([true, false])('four bits, symmetric %s', (symmetric) => {
  const { given } = quantizable(text)
  const { layers, assemble } = quantize(given, { weights: { bits: 4, symmetric, block: 16 } })
  const { file } = assemble()

  it('products are MatMulNBits, convolutions have eight bits', () => {
    const made = file.graph.node.filter(({ opType }) => opType === 'MatMulNBits')
    expect(made.map(({ domain }) => domain)).toEqual(Array(3).fill('com.microsoft'))
    expect(layers.map(({ grids }) => grids[0].bits)).toEqual([8, 8, 8, 8, 4, 4, 4])
    expect(file.proto.opsetImport.map(({ domain }) => domain)).toContain('com.microsoft')
  })

  it('is near the model in floats, and the same here as in ONNX Runtime', async () => {
    const distance = await apart(given.file, file)
    expect(distance.dense).toBeLessThan(0.3)
    expect(distance.here).toBeLessThan(1e-5)
  })
})

it('four bits in several blocks, the last of them cut off', async () => {
  const draws = Array.from({ length: 7 * 45 }, (_, i) => Math.sin(1 + i * i) * (i % 45 < 20 ? 1 : 9))
  const products: ModelText = {
    inputs: { x: ['N', 45] },
    stored: { W: { shape: [7, 45], values: draws }, b: { shape: [7], values: [1, 2, 3, 4, 5, 6, 7] } },
    steps: [{ op: 'Gemm', in: ['x', 'W', 'b'], out: 'y', with: { transB: 1 } }],
    outputs: ['y'],
  }
  const { given } = quantizable(products)
  for (const symmetric of [true, false]) {
    const { file, layers } = (() => {
      const made = quantize(given, { weights: { bits: 4, symmetric, block: 16, rounding: 'nearest' } })
      return { ...made, file: made.assemble().file }
    })()
    expect(layers[0].grids[0].blocks).toBe(3)
    const distance = await apart(given.file, file)
    expect(distance.dense).toBeLessThan(0.1)
    expect(distance.here).toBeLessThan(1e-5)
  }
})

describe.each(['a bias', 'none'])('weights that are rounded by themselves, with %s', (what) => {
  const layer = (op: string, weight: string, x: string, out: string, more: object = {}) => ({
    op,
    in: [x, weight, ...(what === 'none' ? [] : [`${weight}Bias`])],
    out,
    ...more,
  })
  // Weights of very different sizes, so that steps are coarse; inputs that are not zero on average.
  const coarse = (...shape: number[]) => {
    const count = shape.reduce((a, b) => a * b, 1)
    return { shape, values: Array.from({ length: count }, (_, i) => (i % 9 === 0 ? 40 : Math.sin(i * i))) }
  }
  const model: ModelText = {
    inputs: { x: ['N', 4, 3, 2] },
    stored: {
      conv: coarse(6, 2, 1, 1),
      convBias: { shape: [6], values: [1, 2, 3, 4, 5, 6] },
      fc: coarse(36, 5),
      fcBias: { shape: [5], values: [1, 2, 3, 4, 5] },
    },
    steps: [
      { op: 'Abs', in: ['x'], out: 'p' },
      layer('Conv', 'conv', 'p', 'c', { with: { group: 2 } }),
      { op: 'Flatten', in: ['c'], out: 'f' },
      layer('Gemm', 'fc', 'f', 'y'),
    ],
    outputs: ['c', 'y'],
  }

  it('keep the means of outputs', () => {
    const { given, runs } = quantizable(model)
    const feeds = { x: runs.flatMap((run) => Array.from(run.get('x')!.values)) }
    const meansOf = (file: OnnxFile, name: string) => {
      const { values, shape } = here(onnxBytes(file.proto), { feeds }, runs.length).get(name)!
      const [, channels, ...rest] = shape
      const size = rest.reduce((a, b) => a * b, 1)
      const sums = new Float64Array(channels)
      values.forEach((value, i) => {
        sums[Math.floor(i / size) % channels] += value / runs.length / size
      })
      return sums
    }
    const apart = (file: OnnxFile, name: string) => {
      const dense = meansOf(given.file, name)
      return Math.max(...meansOf(file, name).map((mean, i) => Math.abs(mean - dense[i])))
    }
    const weights = { rounding: 'nearest', scales: 'max' } as const
    for (const [layerName, output] of [
      ['conv', 'c'],
      ['fc', 'y'],
    ]) {
      const corrected = quantize(given, { names: [layerName], weights, runs }).assemble().file
      const shifted = quantize(given, { names: [layerName], weights }).assemble().file
      expect(apart(shifted, output)).toBeGreaterThan(0.02)
      expect(apart(corrected, output)).toBeLessThan(1e-3 * apart(shifted, output) + 1e-4)
    }
  })
})

it('what is asked for by name is what becomes whole', () => {
  const { given, runs } = quantizable(text)
  const { layers, assemble } = quantize(given, { names: ['grouped', 'last'], activations: {}, runs })
  expect(layers.map(({ name }) => name)).toEqual(['grouped', 'last'])
  expect([...assemble().file.stored.keys()].filter((key) => key.endsWith('_quantized')).sort()).toEqual([
    'groupedBias_quantized',
    'grouped_quantized',
    'last_quantized',
  ])
})

it('a network of one sample, with constant channels and outputs without weights', async () => {
  const stored = { ...text.stored }
  const shape = stored!.pointwise.shape
  stored!.pointwise = { shape, values: stored!.pointwise.values.map((w, i) => (Math.floor(i / 8) === 2 ? 0 : w)) }
  stored!.stem = { ...stored!.stem, values: stored!.stem.values.map((w, i) => (i < 27 ? 0 : w)) }
  const { given, runs } = quantizable({ ...text, stored }, 1)
  const { file } = quantize(given, { activations: {}, runs }).assemble()
  const [ort, mine] = [await byOnnxRuntime(onnxBytes(file.proto)), here(onnxBytes(file.proto))].map(
    (one) => one.get('y')!.values,
  )
  expect(ort.every(Number.isFinite)).toBe(true)
  const size = Math.max(...ort.map(Math.abs))
  expect(Math.max(...ort.map((y, i) => Math.abs(y - mine[i])))).toBeLessThan(0.01 * size)
})

it('a value that is read before and after its activation is rounded at both places', async () => {
  const steps = [
    ...text.steps.slice(0, 5),
    { op: 'Conv', in: ['r2', 'pointwise', 'pointwiseBias'], out: 'c3' },
    { op: 'Relu', in: ['c3'], out: 'r3' },
    { op: 'Conv', in: ['r3', 'grouped', 'groupedBias'], out: 'c4', with: { group: 2 } },
    { op: 'Conv', in: ['c3', 'grouped2', 'groupedBias'], out: 'c5', with: { group: 2 } },
    { op: 'Concat', in: ['c4', 'c5'], out: 'y', with: { axis: 1 } },
  ]
  const { given, runs } = quantizable({ ...text, steps, stored: { ...text.stored, grouped2: text.stored!.grouped } })
  const { file } = quantize(given, { activations: {}, runs }).assemble()
  const [dense, ort] = [await byOnnxRuntime(onnxBytes(given.file.proto)), await byOnnxRuntime(onnxBytes(file.proto))]
  const [meant, found] = [dense, ort].map((one) => one.get('y')!.values)
  const size = Math.max(...meant.map(Math.abs))
  expect(Math.max(...found.map((y, i) => Math.abs(y - meant[i])))).toBeLessThan(0.1 * size)
  expect(file.graph.node.filter(({ opType }) => opType === 'Relu')).toHaveLength(1)
})

it('a bias beyond 32-bit sums stays a float, and is said to', () => {
  const stored = { ...text.stored }
  stored!.pointwiseBias = { shape: [8], values: [0, 0, 0, 1e9, 0, 0, 0, 0] }
  const { given, runs } = quantizable({ ...text, stored })
  const { notes } = quantize(given, { activations: {}, runs }).assemble()
  expect(notes).toHaveLength(1)
  expect(notes[0]).toMatch(/^the bias of c3 stays in floats: 1000000000 is \d+ steps of pointwise, more than/)
})

it('a layer of so many inputs that sums may leave 32 bits stays in floats', () => {
  const wide = (columns: number): ModelText => ({
    inputs: { x: ['N', columns] },
    stored: { W: { shape: [2, columns], values: Array.from({ length: 2 * columns }, (_, i) => (i % 2 ? 1 : -1)) } },
    steps: [{ op: 'Gemm', in: ['x', 'W'], out: 'y', with: { transB: 1 } }],
    outputs: ['y'],
  })
  // 2^30 / (255 127) is 33,155.
  for (const [columns, whole] of [
    [33_000, 1],
    [33_300, 0],
  ]) {
    const { given, runs } = quantizable(wide(columns), 2)
    const { layers, left } = quantize(given, { weights: { rounding: 'nearest' }, activations: {}, runs })
    expect(layers).toHaveLength(whole)
    expect(left.map(({ reason }) => reason)).toEqual(whole ? [] : ['sums of its products may leave 32 bits'])
    expect(() => quantize(given, {})).toThrow(`W: the products of its ${columns} inputs with each other`)
  }
})

describe('refused', () => {
  const refusal = (model: ModelText, options: QuantizeOptions = {}) => {
    const { given } = quantizable(model, 2)
    try {
      quantize(given, options)
      return undefined
    } catch (error) {
      if (error instanceof UserError) return error.message
      throw error
    }
  }

  it('operators that know no scales of channels', () => {
    const old: ModelText = { ...text, opset: 12 }
    expect(refusal(old)).toBe(
      "m.onnx uses version 12 of ONNX's operators, and scales of channels need 13: export it again with opset 17",
    )
  })

  it('a computed bias of a convolution that is rounded as it runs', () => {
    const model: ModelText = {
      inputs: { x: ['N', 2, 3, 3] },
      stored: { W: { shape: [2, 2, 1, 1], values: [1, 2, 3, 4] }, b: { shape: [2], values: [1, 2] } },
      steps: [
        { op: 'Neg', in: ['b'], out: 'n' },
        { op: 'Conv', in: ['x', 'W', 'n'], out: 'y' },
      ],
      outputs: ['y'],
    }
    const { given } = quantizable(model, 2)
    const { assemble } = quantize(given, { activations: 'dynamic' })
    expect(() => assemble()).toThrow('m.onnx: the bias n is computed, expected a stored one')
  })

  it('models that are whole already', () => {
    const { given, runs } = quantizable(text)
    const { file } = quantize(given, { activations: {}, runs }).assemble()
    expect(() => quantize({ ...given, file })).toThrow('m.onnx is quantized already: ')
  })
})
