/**
 * @file Small graphs around one operator of image networks each: convolution, normalization, pooling, and
 * what moves pixels.
 */
import { Graph } from '../../src/graph/graph.ts'
import { ConvInputGrad, type ConvOptions, ConvWeightGrad, conv } from '../../src/graph/operators/conv.ts'
import { convTranspose } from '../../src/graph/operators/conv-transpose.ts'
import {
  add,
  ClipGrad,
  clip,
  hardSwish,
  mul,
  reciprocal,
  relu6,
  sigmoid,
  sqrt,
} from '../../src/graph/operators/elementwise.ts'
import { gather, scatter, topK } from '../../src/graph/operators/gather.ts'
import { BatchNormalization, BatchNormTrain, BatchNormTrainGrad } from '../../src/graph/operators/norm.ts'
import {
  AveragePoolGrad,
  averagePool,
  GatherPlane,
  globalAveragePool,
  MaxPool,
  maxPool,
  type PoolOptions,
  ScatterPlane,
} from '../../src/graph/operators/pooling.ts'
import { resample, tableOf } from '../../src/graph/operators/resample.ts'
import { concat, pad, slice } from '../../src/graph/operators/shape.ts'
import type { Shape, Tensor } from '../../src/graph/tensor.ts'
import type { OperatorCase } from './operator-cases.ts'

const both = [false, true]

function one(name: string, output: (graph: Graph) => Tensor): OperatorCase {
  const graph = new Graph()
  return { name, graph, output: output(graph) }
}

/** x x + 1/2, for what only takes positive numbers. */
const positive = (graph: Graph, x: Tensor) => add(graph, mul(graph, x, x), graph.constant(0.5))
const times = (graph: Graph, x: Tensor, factor: number) => mul(graph, x, graph.constant(factor))

function* elementwise(): Generator<OperatorCase> {
  const operators: [string, (graph: Graph, x: Tensor) => Tensor][] = [
    ['Sqrt', (graph, x) => sqrt(graph, positive(graph, x))],
    ['Reciprocal', (graph, x) => reciprocal(graph, positive(graph, x))],
    ['Sigmoid', sigmoid],
    ['Clip', (graph, x) => clip(graph, x, -0.5, 0.4)],
    [
      'ClipGrad',
      (graph, x) =>
        graph.apply(ClipGrad, [
          graph.input('dy', [3, 4], { batched: x.batched }),
          x,
          graph.constant(-0.5),
          graph.constant(0.4),
        ])[0],
    ],
    ['ReLU6', (graph, x) => relu6(graph, times(graph, x, 9))],
    ['HardSwish', (graph, x) => hardSwish(graph, times(graph, x, 5))],
  ]
  for (const [name, operator] of operators)
    for (const batched of both)
      yield one(`${name}, ${batched ? 'batched' : 'plain'}`, (graph) =>
        operator(graph, graph.input('x', [3, 4], { batched })),
      )
}

function* convolution(): Generator<OperatorCase> {
  // Of inputs [2, 4, 5, 4].
  const options: [string, Shape, Shape, ConvOptions][] = [
    ['', [3, 4, 3, 2], [2, 3, 3, 3], {}],
    ['strides and padding', [3, 4, 3, 3], [2, 3, 3, 4], { strides: [2, 1], pads: [1, 0, 2, 2] }],
    ['dilations', [3, 4, 2, 3], [2, 3, 3, 2], { dilations: [2, 1] }],
    ['a stride beyond the kernel', [3, 4, 1, 1], [2, 3, 2, 2], { strides: [3, 2] }],
    ['groups', [6, 2, 2, 2], [2, 6, 4, 3], { group: 2 }],
    ['depthwise', [4, 1, 3, 3], [2, 4, 5, 4], { group: 4, pads: [1, 1, 1, 1] }],
  ]
  for (const [name, weight, result, more] of options) {
    const x: Shape = [2, 4, 5, 4]
    yield one(`Conv ${name}`, (graph) => {
      return conv(graph, graph.input('x', x), graph.parameter('w', weight), graph.parameter('bias', [weight[0]]), more)
    })
    yield one(`ConvInputGrad ${name}`, (graph) => {
      const inputs = [graph.input('dy', result), graph.parameter('w', weight)]
      return graph.apply(ConvInputGrad, inputs, { ...more, shape: x })[0]
    })
    yield one(`ConvTranspose ${name}`, (graph) =>
      convTranspose(graph, graph.input('x', result), graph.parameter('w', weight), x, more),
    )
    yield one(`ConvWeightGrad ${name}`, (graph) => {
      const inputs = [graph.input('x', x), graph.input('dy', result)]
      return graph.apply(ConvWeightGrad, inputs, { ...more, shape: weight })[0]
    })
  }
}

function* normalization(): Generator<OperatorCase> {
  for (const shape of [
    [4, 2, 3, 2],
    [5, 3],
  ]) {
    const channels = [shape[1]]
    const layer = (graph: Graph) => [
      graph.input('x', shape),
      graph.parameter('scale', channels),
      graph.parameter('bias', channels),
    ]
    yield one(`BatchNormalization of [${shape}]`, (graph) => {
      const statistics = [graph.parameter('mean', channels), positive(graph, graph.parameter('var', channels))]
      return graph.apply(BatchNormalization, [...layer(graph), ...statistics], { epsilon: 1e-5 })[0]
    })
    yield one(`BatchNormTrain of [${shape}]`, (graph) => {
      return graph.apply(BatchNormTrain, layer(graph), { epsilon: 1e-3 })[0]
    })
    for (const [i, result] of ['dx', 'dscale', 'dbias'].entries())
      yield one(`BatchNormTrainGrad of [${shape}]: ${result}`, (graph) => {
        const [x, scale, bias] = layer(graph)
        const [, mean, variance] = graph.apply(BatchNormTrain, [x, scale, bias], { epsilon: 1e-3 })
        const dy = graph.input('dy', shape)
        return graph.apply(BatchNormTrainGrad, [dy, x, scale, mean, variance], { epsilon: 1e-3 })[i]
      })
  }
}

function* pooling(): Generator<OperatorCase> {
  const options: [string, PoolOptions][] = [
    ['', { kernel: [2, 2] }],
    ['overlapping, padded', { kernel: [3, 2], strides: [2, 1], pads: [1, 1, 2, 0] }],
    ['with gaps', { kernel: [1, 2], strides: [3, 3] }],
  ]
  const image = (graph: Graph) => graph.input('x', [2, 3, 5, 4])
  for (const [name, option] of options) {
    yield one(`MaxPool ${name}`, (graph) => maxPool(graph, image(graph), option))
    for (const includePad of both) {
      const layer = (graph: Graph) => averagePool(graph, image(graph), { ...option, includePad })
      yield one(`AveragePool ${name}, padding counted: ${includePad}`, layer)
      yield one(`AveragePoolGrad ${name}, padding counted: ${includePad}`, (graph) => {
        const y = layer(graph)
        const { attributes } = graph.nodes.at(-1)!
        return graph.apply(AveragePoolGrad, [graph.input('dy', y.shape)], { ...attributes, shape: [2, 3, 5, 4] })[0]
      })
    }
    const index = (graph: Graph) => {
      maxPool(graph, image(graph), option)
      return graph.nodes.at(-1)!.outputs[1]
    }
    yield one(`ScatterPlane ${name}`, (graph) => {
      const places = index(graph)
      return graph.apply(ScatterPlane, [graph.input('dy', places.shape), places], { shape: [2, 3, 5, 4] })[0]
    })
    yield one(`GatherPlane ${name}`, (graph) => {
      return graph.apply(GatherPlane, [graph.input('other', [2, 3, 5, 4]), index(graph)])[0]
    })
  }
  yield one('global average', (graph) => globalAveragePool(graph, image(graph)))
  yield one('both outputs of one MaxPool', (graph) => {
    const [y, places] = graph.apply(MaxPool, [image(graph)], {
      kernel_shape: [2, 2],
      strides: [1, 2],
      pads: [0, 0, 0, 0],
    })
    return add(graph, y, graph.apply(GatherPlane, [graph.input('other', [2, 3, 5, 4]), places])[0])
  })
}

function* moving(): Generator<OperatorCase> {
  for (const batched of both) {
    const layout = batched ? 'batched' : 'plain'
    const image = (graph: Graph) => graph.input('x', [2, 3, 5, 4], { batched })
    // Rows of none, one and several places, and a place that no row reads.
    const table = tableOf(5, [
      [
        [4, 0.5],
        [1, -2],
      ],
      [],
      [[0, 1]],
      [
        [1, 1.5],
        [2, 0.25],
        [4, 1],
      ],
    ])
    yield one(`Resample, ${layout}`, (graph) => resample(graph, image(graph), 2, table))
    for (const [form, shape, places] of [
      ['one index', [3], [1, -1, 1]],
      ['an index each', [2, 3, 3, 4], Array.from({ length: 72 }, (_, i) => ((7 * i) % 11) - 5)],
    ] as const) {
      const index = (graph: Graph) => graph.constant([...places], shape, batched && shape.length > 1)
      const updates = (graph: Graph) => graph.input('updates', [2, 3, 3, 4], { batched })
      yield one(`Gather, ${form}, ${layout}`, (graph) => gather(graph, image(graph), index(graph), 2))
      yield one(`Scatter by sums, ${form}, ${layout}`, (graph) =>
        scatter(graph, index(graph), updates(graph), 2, { size: 5, reduction: 'add', into: image(graph) }),
      )
    }
    yield one(`Scatter, ${layout}`, (graph) => {
      const index = graph.constant([4, -4, 0], [3])
      const updates = graph.input('updates', [2, 3, 3, 4], { batched })
      return scatter(graph, index, updates, 2, { size: 5, into: image(graph) })
    })
    for (const largest of both)
      yield one(`TopK, largest ${largest}, ${layout}`, (graph) => topK(graph, image(graph), 2, 3, largest)[0])
    yield one(`Slice, ${layout}`, (graph) => slice(graph, image(graph), [0, 1, 0, 1], [2, 2, 3, 2], [1, 1, 2, 2]))
    yield one(`Place, ${layout}`, (graph) => pad(graph, image(graph), [0, 1, 0, 2], [0, 0, 1, 1]))
    for (const axis of [1, 2, 3])
      yield one(`Concat along ${axis}, ${layout}`, (graph) => {
        const other = [2, 3, 5, 4].map((n, i) => (i === axis ? 2 : n))
        const x = image(graph)
        return concat(graph, [x, graph.input('other', other, { batched }), x], axis)
      })
  }
}

export const imageCases: readonly OperatorCase[] = [
  ...elementwise(),
  ...convolution(),
  ...normalization(),
  ...pooling(),
  ...moving(),
]
