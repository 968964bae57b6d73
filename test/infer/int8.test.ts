/**
 * @file Models in QDQ form, whose layers run on bytes: beside ONNX Runtime's integers, beside floats, and by
 * hand.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { compile } from '../../src/engine/compile.ts'
import type { Machine } from '../../src/engine/machine.ts'
import { openReference } from '../../src/engine/machines/reference.ts'
import { parseOnnx } from '../../src/formats/onnx/file.ts'
import { readOnnx } from '../../src/formats/onnx/onnx.ts'
import { wholeNetwork } from '../../src/formats/onnx/whole-network.ts'
import type { Graph } from '../../src/graph/graph.ts'
import { int8Graph } from '../../src/infer/int8/int8-graph.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { random } from '../../src/util/random.ts'
import { type Attribute, type Written, written } from '../formats/onnx/build.ts'
import { best, wasm } from '../support/engines.ts'
import { type Grid, QdqModel, wholeNumbers } from './qdq-model.ts'

const signed: Grid = { scale: 1 / 50, zero: 9, signed: true }
const unsigned: Grid = { scale: 1 / 40, zero: 120 }
const result: Grid = { scale: 0.11, zero: 31 }

/** Normally distributed, and some far beyond what bytes hold. */
function inputOf(shape: readonly number[]): Float32Array {
  const draw = random(1, 'x')
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
    draw.below(9) === 0 ? 1e3 * (draw.uniform() - 0.5) : draw.normal(),
  )
}

async function byRuntime(bytes: Uint8Array, x: Float32Array, shape: readonly number[], optimized: boolean) {
  const graphOptimizationLevel = optimized ? 'all' : 'disabled'
  const session = await InferenceSession.create(bytes, { graphOptimizationLevel, logSeverityLevel: 3 })
  const { y } = await session.run({ x: new Tensor('float32', x, shape) })
  await session.release()
  return [...(y.data as Float32Array)]
}

function run(machine: Machine, graph: Graph, values: ReadonlyMap<string, ArrayLike<number>>, x: Float32Array) {
  const executable = compile(machine, { run: graph })
  for (const [name, list] of values) if (executable.has(name)) executable.view(name).set(list)
  executable.write('run', graph.withRole('input')[0].name, x)
  executable.run('run')
  return [...executable.read('run', 'y')]
}

/** Rows of a linear layer are read as images. */
const namesOf = (graph: Graph) => graph.nodes.map(({ operator }) => operator.name).filter((name) => name !== 'Reshape')

interface Expected {
  /** What the graph becomes. */
  nodes: string[]
  /** How far results may be from ONNX Runtime's integers. */
  apart?: number
  /** What a step of the result is, by which floats may differ. */
  step?: number
  batch?: number
}

/**
 * The pass, dense and sparse, on all kinds of machines, beside ONNX Runtime with and without its integers.
 */
async function expectInt8(model: Written, { nodes, apart = 0, step = result.scale, batch = 1 }: Expected) {
  const bytes = written(model)
  const shape = model.input.map((n) => (n < 0 ? batch : n))
  const x = inputOf(shape)
  const { graph, values } = wholeNetwork(parseOnnx(bytes, 'model.onnx'), {}, batch)
  const [integers, floats] = [await byRuntime(bytes, x, shape, true), await byRuntime(bytes, x, shape, false)]
  let first: number[] | undefined
  for (const sparse of [false, true]) {
    const pass = int8Graph(graph, { values, isSparse: () => sparse })
    expect(namesOf(pass).map((name) => name.replace('Sparse', ''))).toEqual(nodes)
    if (!sparse) expect(namesOf(pass)).toEqual(nodes)
    for (const machine of [openReference(), wasm, best]) {
      const got = run(machine, pass, values, x).map(Math.fround)
      first ??= got
      expect(got).toEqual(first)
    }
  }
  const farthest = (from: readonly number[]) => Math.max(...first!.map((value, i) => Math.abs(value - from[i])))
  expect(farthest(integers)).toBeLessThanOrEqual(apart)
  expect(farthest(floats)).toBeLessThanOrEqual(1.001 * step)
  expect(new Set(first).size).toBeGreaterThan(3)
}

/** A layer between bytes. */
function layerModel(op: string, weight: readonly number[], input: Grid, attributes?: Record<string, Attribute>) {
  const model = new QdqModel()
  const x = model.quantized('x', input)
  model.quantized(model.apply('Relu', [model.apply(op, [x, ...model.layer(weight, input)], attributes)]), result)
  return model
}

describe('layers of a QDQ model on bytes', () => {
  it.each<[string, number[], number[], Grid, Record<string, Attribute>]>([
    ['1 x 1', [-1, 5, 7, 9], [6, 5, 1, 1], unsigned, {}],
    ['1 x 1 of signed bytes', [-1, 8, 3, 5], [9, 8, 1, 1], signed, {}],
    ['3 x 3 with uneven padding', [-1, 3, 7, 6], [5, 3, 3, 3], unsigned, { pads: [1, 0, 2, 1] }],
    ['5 x 2 with strides and dilations', [-1, 2, 13, 9], [3, 2, 5, 2], signed, { strides: [2, 3], dilations: [2, 1] }],
    ['depthwise', [-1, 6, 7, 9], [6, 1, 3, 3], unsigned, { group: 6, pads: [1, 1, 1, 1] }],
    ['depthwise with strides', [-1, 5, 9, 8], [5, 1, 3, 3], signed, { group: 5, pads: [1, 1, 0, 0], strides: [2, 2] }],
    ['depthwise 5 x 5', [-1, 3, 9, 8], [3, 1, 5, 5], unsigned, { group: 3, pads: [2, 2, 2, 2] }],
  ])('convolution %s', async (_name, input, weight, grid, attributes) => {
    for (const batch of [1, 3])
      await expectInt8(layerModel('Conv', weight, grid, attributes).written(input), {
        nodes: ['Quantize', 'Int8Conv', 'Dequantize'],
        batch,
      })
  })

  it('linear', async () => {
    for (const batch of [1, 5, 40])
      for (const grid of [signed, unsigned])
        await expectInt8(layerModel('Gemm', [11, 37], grid, { transB: 1 }).written([-1, 37]), {
          nodes: ['Quantize', 'Int8Conv', 'Dequantize'],
          batch,
        })
  })

  it('a product with a scale for each column', async () => {
    const model = new QdqModel()
    const weight = model.stored(
      wholeNumbers(12 * 7, 60, 'm'),
      [12, 7],
      [1, 2, 3, 4, 5, 6, 7].map((n) => n / 500),
      {
        axis: 1,
      },
    )
    model.quantized(model.apply('MatMul', [model.quantized('x', unsigned), weight]), result)
    await expectInt8(model.written([-1, 12]), { nodes: ['Quantize', 'Int8Conv', 'Dequantize'], batch: 4 })
  })

  it('without bytes after it, in real numbers', async () => {
    const model = new QdqModel()
    const x = model.quantized('x', unsigned)
    model.apply('Gemm', [x, ...model.layer([10, 30], unsigned)], { transB: 1 })
    await expectInt8(model.written([-1, 30]), { nodes: ['Quantize', 'Int8Conv'], apart: 1e-4, step: 1e-4 })
  })

  it('ReLU6 as limits of bytes, also below and above what they hold', async () => {
    for (const [low, high] of [
      [0, 6],
      [-1, 1e9],
      [0.05, 0.06],
    ]) {
      const model = new QdqModel()
      const x = model.quantized('x', unsigned)
      const sum = model.apply('Conv', [x, ...model.layer([4, 3, 1, 1], unsigned)])
      const clipped = model.apply('Clip', [sum, model.floats([low]), model.floats([high])])
      model.quantized(clipped, { scale: 0.004, zero: 31 })
      const { input, ...rest } = model.written([-1, 3, 6, 6])
      const bytes = written({ input, ...rest })
      const { graph, values } = wholeNetwork(parseOnnx(bytes, 'm.onnx'), {}, 1)
      const pass = int8Graph(graph, { values, isSparse: () => false })
      expect(namesOf(pass)).toEqual(['Quantize', 'Int8Conv', 'Dequantize'])
      const x1 = inputOf([1, 3, 6, 6])
      const floats = await byRuntime(bytes, x1, [1, 3, 6, 6], false)
      const got = run(best, pass, values, x1)
      for (const [i, value] of floats.entries()) expect(Math.abs(got[i] - value)).toBeLessThan(0.0041)
    }
  })

  it('a network of all kinds of operators keeps bytes from the first to the last', async () => {
    const model = new QdqModel()
    const [first, other, sum, mean] = [
      { scale: 0.12, zero: 0 },
      { scale: 0.3, zero: 140 },
      { scale: 0.35, zero: 0 },
      { scale: 0.2, zero: 3 },
    ]
    const relu = (x: string) => model.apply('Relu', [x])
    const x = model.quantized('x', unsigned)
    const stem = relu(model.apply('Conv', [x, ...model.layer([6, 3, 3, 3], unsigned)], { pads: [1, 1, 1, 1] }))
    const a = model.quantized(stem, first)
    const pool = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }
    const most = model.quantized(model.apply('MaxPool', [a], pool), first)
    const layer = model.layer([6, 6, 1, 1], first, { seed: 'second' })
    const b = model.quantized(model.apply('Conv', [most, ...layer]), other)
    const c = model.quantized(relu(model.apply('Add', [b, most])), sum)
    const d = model.quantized(model.apply('AveragePool', [c], { kernel_shape: [2, 3] }), mean)
    const e = model.quantized(model.apply('GlobalAveragePool', [d]), mean)
    const flat = model.quantized(model.apply('Flatten', [e]), mean)
    model.apply('Gemm', [flat, ...model.layer([5, 6], mean, { seed: 'last' })], { transB: 1 })
    const pools = ['Int8Add', 'Int8AveragePool', 'Int8AveragePool', 'Int8Conv']
    const nodes = ['Quantize', 'Int8Conv', 'Int8MaxPool', 'Int8Conv', ...pools]
    // A step of the mean times a weight, in the last layer.
    await expectInt8(model.written([-1, 3, 11, 13]), { nodes, apart: 0.5, step: 0.5 })
  })

  it('sums of the largest bytes and weights, by hand', () => {
    const [channels, outputs] = [67, 5]
    const model = new QdqModel()
    const x = model.quantized('x', { scale: 1, zero: 0 })
    const whole = wholeNumbers(channels * outputs, 127, 'extreme')
    const weight = model.stored(whole, [outputs, channels, 1, 1], [1])
    model.quantized(model.apply('Conv', [x, weight]), { scale: 4096, zero: 128 })
    const bytes = written(model.written([-1, channels, 4, 5]))
    const values = Float32Array.from({ length: channels * 20 }, (_, i) => (i % 5 === 0 ? i % 256 : 255))
    const machine = best
    const got = new SparseModel(readOnnx(bytes, 'm.onnx'), { machine }).run(values)
    const expected = Array.from({ length: outputs * 20 }, (_, i) => {
      let sum = 0
      for (let c = 0; c < channels; c++) sum += values[c * 20 + (i % 20)] * whole[Math.floor(i / 20) * channels + c]
      const near = Math.round(Math.abs(sum) / 4096) * Math.sign(sum)
      return 4096 * Math.min(Math.max(near, -128), 127)
    })
    expect([...got].map((value) => value + 0)).toEqual(expected.map((value) => value + 0))
    expect(new Set(expected).size).toBeGreaterThan(10)
  })
})

describe('a pruned model', () => {
  const input: Grid = { scale: 1 / 40, zero: 120 }
  const [channels, outputs] = [64, 24]
  /** A 1 x 1 layer of which all but every `every`-th group of four inputs is zero. */
  const pruned = (every: number) => {
    const model = new QdqModel()
    const all = wholeNumbers(channels * outputs, 60, 'pruned').map((w) => w || 1)
    const whole = all.map((w, i) => ((i >> 2) % every === 0 ? w : 0))
    const weight = model.stored(whole, [outputs, channels, 1, 1], [0.004])
    model.quantized(model.apply('Conv', [model.quantized('x', input), weight]), result)
    return readOnnx(written(model.written([-1, channels, 9, 10])), 'm.onnx')
  }
  const x = inputOf([1, channels, 9, 10])

  it('skips groups of zeros where that pays, and computes the same', () => {
    for (const [every, auto] of [
      [1, false],
      [10, true],
    ] as const) {
      const models = (['auto', 'dense', 'sparse'] as const).map(
        (kernels) => new SparseModel(pruned(every), { machine: best, kernels }),
      )
      const logits = models.map((model) => [...model.run(x)])
      expect(models.map((model) => model.layers(1)[0].sparse)).toEqual([auto, false, true])
      expect(logits[0]).toEqual(logits[1])
      expect(logits[2]).toEqual(logits[1])
    }
  })

  it('names the layer that a kernel call is of', () => {
    const model = new SparseModel(pruned(10), { machine: best })
    const [name] = model.layers(1).map((layer) => layer.name)
    expect(model.profileLayers(1, 1).layers.get(name)).toBeGreaterThan(0)
  })
})

describe('what stays in floats', () => {
  const kept = (model: QdqModel, input: readonly number[], batch = 1) => {
    const { graph, values } = wholeNetwork(parseOnnx(written(model.written(input)), 'm.onnx'), {}, batch)
    return namesOf(int8Graph(graph, { values, isSparse: () => false }))
  }
  const clean = (names: string[]) => names.filter((name) => name.startsWith('Int8') || name.endsWith('uantize'))

  it('groups of channels, and several outputs of one', () => {
    expect(clean(kept(layerModel('Conv', [4, 2, 3, 3], unsigned, { group: 2 }), [-1, 4, 5, 5]))).toEqual([])
    expect(clean(kept(layerModel('Conv', [8, 1, 3, 3], unsigned, { group: 4 }), [-1, 4, 5, 5]))).toEqual([])
  })

  it('weights that are no whole numbers, biases between them, and sums that may leave 32 bits', () => {
    const make = (weight: (model: QdqModel) => string, bias: (model: QdqModel) => string[] = () => []) => {
      const model = new QdqModel()
      const sum = model.apply('Gemm', [model.quantized('x', unsigned), weight(model), ...bias(model)], { transB: 1 })
      model.quantized(sum, result)
      return model
    }
    const whole = (model: QdqModel) => model.stored(wholeNumbers(12, 127, 'w'), [2, 6], [0.25])
    const step = 0.25 * Math.fround(unsigned.scale)
    expect(clean(kept(make(whole), [-1, 6]))).toEqual(['Quantize', 'Int8Conv', 'Dequantize'])
    expect(
      clean(
        kept(
          make((model) => model.floats([1, 2, 3, 4, 5, 6.5, 1, 2, 3, 4, 5, 6], [2, 6])),
          [-1, 6],
        ),
      ),
    ).toEqual([])
    const off = (model: QdqModel) => [model.floats([step, 1.5 * step], [2])]
    expect(clean(kept(make(whole, off), [-1, 6]))).toEqual([])
    const many = (model: QdqModel) => model.stored(Array(2 * 70_000).fill(127), [2, 70_000], [0.25])
    expect(clean(kept(make(many), [-1, 70_000]))).toEqual([])
  })

  it('what reads real numbers between bytes', () => {
    const model = new QdqModel()
    const layer = model.layer([4, 3, 1, 1], unsigned)
    const a = model.quantized(model.apply('Conv', [model.quantized('x', unsigned), ...layer]), result)
    model.apply('Sigmoid', [a])
    expect(kept(model, [-1, 3, 5, 5])).toEqual(['Quantize', 'Int8Conv', 'Dequantize', 'Sigmoid'])
  })

  it('everything, where it is asked for', () => {
    const bytes = written(layerModel('Conv', [6, 5, 1, 1], unsigned).written([-1, 5, 7, 9]))
    const names = (integers: boolean) => {
      const model = new SparseModel(readOnnx(bytes, 'm.onnx'), { machine: best, integers })
      return model.profile(1, 1).map(({ kernel }) => kernel)
    }
    expect(names(true).slice(0, 3)).toEqual(['quantize', 'int8_conv', 'dequantize'])
    expect(names(false).filter((name) => name.includes('int8'))).toEqual([])
  })

  it('the largest of bytes that stand for other numbers afterwards', () => {
    const model = new QdqModel()
    const most = model.apply('MaxPool', [model.quantized('x', unsigned)], { kernel_shape: [2, 2] })
    model.quantized(most, result)
    expect(clean(kept(model, [-1, 4, 6, 5]))).toEqual([])
  })
})
