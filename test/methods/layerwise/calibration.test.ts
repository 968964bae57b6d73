import { describe, expect, it } from 'vitest'
import { synthetic } from '../../../src/data/synthetic.ts'
import { compile } from '../../../src/engine/compile.ts'
import { openReference } from '../../../src/engine/machines/reference.ts'
import { Graph } from '../../../src/graph/graph.ts'
import { type ConvOptions, conv, convOptions } from '../../../src/graph/operators/conv.ts'
import { convTranspose } from '../../../src/graph/operators/conv-transpose.ts'
import { add, relu } from '../../../src/graph/operators/elementwise.ts'
import { gemm, linear, matmul } from '../../../src/graph/operators/linear.ts'
import { batchNorm } from '../../../src/graph/operators/norm.ts'
import { globalAveragePool } from '../../../src/graph/operators/pooling.ts'
import { flatten } from '../../../src/graph/operators/shape.ts'
import type { Shape, Tensor } from '../../../src/graph/tensor.ts'
import { calibrate } from '../../../src/methods/layerwise/calibration.ts'
import { fromMatrix, toMatrix } from '../../../src/methods/layerwise/layer.ts'
import { layerProblems } from '../../../src/methods/layerwise/problem.ts'
import type { Model } from '../../../src/models/model.ts'
import { Network } from '../../../src/train/network.ts'
import { largestDifference } from '../../support/difference.ts'
import { best, wasm } from '../../support/engines.ts'

type Build = (graph: Graph, images: Tensor) => { input: Tensor; output: Tensor }

/**
 * A network whose layer `w` is the one in question, on images of 4 channels; `build` says where its inputs
 * and outputs are.
 */
function networkOf(
  build: Build,
  { machine = best, count = 40, batch }: { machine?: typeof best; count?: number; batch?: number } = {},
) {
  const image = [4, 7, 6] as const
  const model: Model = {
    name: 'probe',
    summary: 'for tests',
    image,
    classes: 3,
    build: (graph, images) => {
      const { output } = build(graph, images)
      const pooled = output.shape.length === 4 ? flatten(graph, globalAveragePool(graph, output)) : output
      return linear(graph, pooled, 'classifier', 3)
    },
  }
  const data = synthetic({ image, classes: 3, train: count, test: 5 })
  return { network: new Network({ machine, model, data, batch }), images: data.train.images }
}

/** The layer's inputs and its outputs on normalized images, [N, ...], by a program of its own. */
function run(network: Network, build: Build, count: number) {
  const graph = new Graph()
  const { image, mean, std, train } = network.data
  const { input, output } = build(graph, graph.input('x', [count, ...image]))
  graph.output('input', input)
  graph.output('output', output)
  const executable = compile(openReference(), { forward: graph })
  const area = image[1] * image[2]
  const channel = (i: number) => Math.floor(i / area) % image[0]
  const x = Float64Array.from(train.images, (byte, i) => (byte / 255 - mean[channel(i)]) / std[channel(i)])
  executable.write('forward', 'x', x)
  for (const { name } of network.stored) if (executable.has(name)) executable.view(name).set(network.values(name))
  executable.run('forward')
  return {
    input: executable.read('forward', 'input'),
    output: executable.read('forward', 'output'),
    shape: input.shape,
  }
}

/**
 * Columns of a group's unfolded inputs, [sample x position][columns], read off the definition of a
 * convolution.
 */
function unfold(
  x: ArrayLike<number>,
  [n, channels, height, width]: Shape,
  weight: Shape,
  options: ConvOptions,
  group: number,
) {
  const { strides, pads, dilations, group: groups } = convOptions('Conv', { ...options })
  const [, per, kh, kw] = weight
  const rows = Math.floor((height + pads[0] + pads[2] - dilations[0] * (kh - 1) - 1) / strides[0]) + 1
  const columns = Math.floor((width + pads[1] + pads[3] - dilations[1] * (kw - 1) - 1) / strides[1]) + 1
  const result: number[][] = []
  for (let s = 0; s < n; s++)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        const column: number[] = []
        for (let k = 0; k < per; k++)
          for (let i = 0; i < kh; i++)
            for (let j = 0; j < kw; j++) {
              const [y, z] = [r * strides[0] - pads[0] + i * dilations[0], c * strides[1] - pads[1] + j * dilations[1]]
              const inside = y >= 0 && y < height && z >= 0 && z < width
              column.push(inside ? x[((s * channels + group * (channels / groups) + k) * height + y) * width + z] : 0)
            }
        result.push(column)
      }
  return result
}

const products = (columns: readonly number[][]) =>
  columns[0].flatMap((_, i) => columns[0].map((_, j) => columns.reduce((sum, x) => sum + 2 * x[i] * x[j], 0)))

function expectClose(found: ArrayLike<number>, expected: ArrayLike<number>) {
  const scale = Math.max(...Array.from(expected, Math.abs))
  expect(largestDifference(found, expected)).toBeLessThan(2e-6 * scale)
}

const convolutions: [string, Shape, ConvOptions][] = [
  ['3x3 with padding', [5, 4, 3, 3], { pads: [1, 1, 1, 1] }],
  ['3x3 of 8 channels, by Winograd', [8, 8, 3, 3], { pads: [1, 1, 1, 1] }],
  ['stride 2', [5, 4, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }],
  ['1x1', [6, 4, 1, 1], {}],
  ['1x1 with stride', [6, 4, 1, 1], { strides: [2, 1] }],
  ['groups', [6, 2, 3, 2], { group: 2, pads: [0, 1, 1, 0] }],
  ['depthwise', [8, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1] }],
  ['everything', [4, 2, 2, 3], { group: 2, strides: [2, 1], dilations: [2, 2], pads: [1, 2, 0, 1] }],
]

describe.each(convolutions)('a convolution: %s', (_, shape, options) => {
  const group = options.group ?? 1
  const build: Build = (graph, images) => {
    // Fewer or more channels than the images have, and values of both signs.
    const channels = shape[1] * group
    const first =
      channels === 4
        ? images
        : conv(graph, images, graph.parameter('first', [channels, 4, 1, 1], { in: 4, out: channels }))
    const fan = { in: shape[1], out: shape[0] }
    return { input: first, output: conv(graph, first, graph.parameter('w', shape, fan), undefined, options) }
  }
  const { network, images } = networkOf(build)
  const { input, output, shape: inputShape } = run(network, build, 40)
  const unfolded = Array.from({ length: group }, (_, g) => unfold(input, inputShape, shape, options, g))
  const [{ layer, grams }] = calibrate(network, ['w'], images)
  const { columns } = layer

  it('the weights times the unfolded inputs are the outputs', () => {
    const w = network.values('w')
    const perGroup = shape[0] / group
    const positions = output.length / (40 * shape[0])
    const expected = Array.from(output, (_, i) => {
      const [s, o, p] = [Math.floor(i / (shape[0] * positions)), Math.floor(i / positions) % shape[0], i % positions]
      return unfolded[Math.floor(o / perGroup)][s * positions + p].reduce(
        (sum, x, k) => sum + x * w[o * columns + k],
        0,
      )
    })
    expectClose(output, expected)
  })

  it('the products are those of the unfolded inputs', () => {
    expect(layer).toEqual({
      name: 'w',
      shape,
      rows: shape[0],
      columns: shape[1] * shape[2] * shape[3],
      groups: group,
      transposed: false,
    })
    grams.forEach((gram, g) => {
      expectClose(gram, products(unfolded[g]))
    })
  })

  it('they give the sum of the squared outputs', () => {
    const [{ unit }] = layerProblems(best, layer, network.values('w'), grams, 0.01)
    expect(unit! / Array.from(output).reduce((sum, y) => sum + y * y, 0)).toBeCloseTo(1, 5)
  })
})

describe.each([
  ['Gemm with a transposed weight', true, (graph: Graph, x: Tensor) => linear(graph, x, 'w', 5)],
  [
    'Gemm',
    false,
    (graph: Graph, x: Tensor) => gemm(graph, x, graph.parameter('w.weight', [168, 5], { in: 168, out: 5 })),
  ],
  [
    'MatMul',
    false,
    (graph: Graph, x: Tensor) => matmul(graph, x, graph.parameter('w.weight', [168, 5], { in: 168, out: 5 })),
  ],
] as const)('%s', (_, rowsFirst, layerOf) => {
  const build: Build = (graph, images) => {
    const input = flatten(graph, images)
    return { input, output: layerOf(graph, input) }
  }
  it('has the products of its inputs, and the right matrix', () => {
    const { network, images } = networkOf(build)
    const { input } = run(network, build, 40)
    const [{ layer, grams }] = calibrate(network, ['w.weight'], images)
    expect(layer).toMatchObject({ rows: 5, columns: 168, groups: 1, transposed: !rowsFirst })
    expectClose(grams[0], products(Array.from({ length: 40 }, (_, s) => [...input.subarray(s * 168, (s + 1) * 168)])))
  })
})

/** Two uses of one weight, after a normalization with running statistics. */
const twice: Build = (graph, images) => {
  const x = relu(graph, batchNorm(graph, images, 'bn', false))
  const w = graph.parameter('w', [4, 4, 3, 3], { in: 36, out: 36 })
  const y = conv(graph, x, w, undefined, { pads: [1, 1, 1, 1] })
  return { input: y, output: add(graph, x, conv(graph, y, w, undefined, { pads: [1, 1, 1, 1] })) }
}

it('a weight that is used twice sums over its uses, with the statistics of the network', () => {
  const { network, images } = networkOf(twice)
  network.values('bn.running_mean').set([0.5, -0.5, 1, 0])
  network.values('bn.running_var').set([2, 0.5, 1, 3])
  const [{ layer, grams }] = calibrate(network, ['w'], images)
  const second = run(network, twice, 40)
  const first = run(network, (graph, x) => ({ ...twice(graph, x), input: graph.nodes[1].outputs[0] }), 40)
  const options = { pads: [1, 1, 1, 1] } as const
  const columns = [first, second].flatMap(({ input, shape }) => unfold(input, shape, layer.shape, options, 0))
  expectClose(grams[0], products(columns))
})

it('layers come in the order of their names, symmetric, and the same from batches, from one thread and in part', () => {
  const build: Build = (graph, images) => {
    const output = conv(graph, images, graph.parameter('w', [4, 4, 3, 3], { in: 36, out: 36 }))
    return { input: images, output }
  }
  const { network, images } = networkOf(build, { count: 70 })
  const both = calibrate(network, ['classifier.weight', 'w'], images)
  expect(both.map(({ layer }) => layer.name)).toEqual(['classifier.weight', 'w'])
  expect(both[1].grams).toEqual(calibrate(network, ['w'], images)[0].grams)
  for (const { layer, grams } of both)
    for (const gram of grams)
      for (let i = 0; i < layer.columns; i++)
        for (let j = 0; j < i; j++) expect(gram[i * layer.columns + j]).toBe(gram[j * layer.columns + i])
  // 70 images are batches of 32, 32 and 6.
  const size = images.length / 70
  const parts = [0, 7, 50, 70].slice(1).map((end, i, ends) => images.subarray((ends[i - 1] ?? 0) * size, end * size))
  const sums = parts.map((part) => calibrate(network, ['w'], part)[0].grams[0])
  expectClose(
    sums[0].map((_, i) => sums.reduce((sum, gram) => sum + gram[i], 0)),
    both[1].grams[0],
  )
  const other = networkOf(build, { count: 70, machine: wasm }).network
  expectClose(calibrate(other, ['w'], images)[0].grams[0], both[1].grams[0])
})

it('a weight that multiplies from either side is refused', () => {
  const build: Build = (graph, images) => {
    const x = flatten(graph, images)
    const w = graph.parameter('w', [168, 168], { in: 168, out: 168 })
    return { input: x, output: matmul(graph, gemm(graph, x, w, { transB: 1 }), w) }
  }
  const { network, images } = networkOf(build)
  expect(() => calibrate(network, ['w'], images)).toThrow('w is used as two different matrices')
})

it('a name that no layer has is refused', () => {
  const { network, images } = networkOf(twice)
  expect(() => calibrate(network, ['bn.weight'], images)).toThrow(
    'no layer of probe has a prunable weight named bn.weight',
  )
})

describe('a transposed convolution', () => {
  it.each<[string, Shape, number]>([
    ['of one group', [4, 3, 2, 3], 1],
    ['of two groups', [4, 3, 3, 2], 2],
  ])('%s: the squares of its outputs are those of its matrix and its products', (_name, weight, group) => {
    const build: Build = (graph, images) => {
      const shape = [images.shape[0], 3 * group, 13 + weight[2] - 1, 6 + weight[3] - 2]
      const w = graph.parameter('w', weight, { in: 8, out: 8 })
      const options = { strides: [2, 1], pads: [0, 0, 0, 1], group } as const
      const output = convTranspose(graph, images, w, shape, options)
      return { input: images, output }
    }
    const { network, images } = networkOf(build)
    const [{ layer, grams }] = calibrate(network, ['w'], images)
    const { rows, columns, groups } = layer
    expect([rows, columns, groups]).toEqual([3 * group, (4 / group) * 6, group])
    const matrix = toMatrix(layer, network.values('w'))
    expect([...fromMatrix(layer, matrix)]).toEqual([...network.values('w')])
    const output = Float64Array.from(run(network, build, 40).output)
    const plane = output.length / 40 / rows
    for (let row = 0; row < rows; row++) {
      const w = matrix.subarray(row * columns, (row + 1) * columns)
      const gram = grams[Math.floor(row / (rows / groups))]
      const expected = output.reduce((sum, y, i) => sum + (Math.floor(i / plane) % rows === row ? 2 * y * y : 0), 0)
      const found = gram.reduce((sum, x, i) => sum + x * w[Math.floor(i / columns)] * w[i % columns], 0)
      expect(Math.abs(found - expected)).toBeLessThan(1e-4 * expected)
    }
  })
})
