import { describe, expect, it } from 'vitest'
import { Graph } from '../../src/graph/graph.ts'
import { ShapeError } from '../../src/graph/operator.ts'
import { type ConvOptions, conv } from '../../src/graph/operators/conv.ts'
import { DropoutMask } from '../../src/graph/operators/dropout.ts'
import { Clip, ClipGrad } from '../../src/graph/operators/elementwise.ts'
import { BatchNormalization, BatchNormTrain } from '../../src/graph/operators/norm.ts'
import { averagePool, maxPool, type PoolOptions } from '../../src/graph/operators/pooling.ts'
import { Concat, concat, pad, slice } from '../../src/graph/operators/shape.ts'
import type { Shape } from '../../src/graph/tensor.ts'

const convolution =
  (x: Shape, weight: Shape, options: ConvOptions = {}, bias?: Shape) =>
  () => {
    const graph = new Graph()
    return conv(graph, graph.input('x', x), graph.input('w', weight), bias && graph.input('b', bias), options)
  }
const pooling = (operator: typeof maxPool, options: PoolOptions, x: Shape = [2, 3, 5, 4]) => {
  const graph = new Graph()
  return operator(graph, graph.input('x', x), options)
}
const one = (build: (graph: Graph) => unknown) => () => build(new Graph())

describe('what does not fit', () => {
  const refused: [string, () => unknown, string][] = [
    [
      'a kernel larger than the image',
      convolution([1, 2, 4, 5], [3, 2, 5, 5]),
      'Conv: the kernel spans 5, more than the padded input of 4: x [1, 2, 4, 5] with w [3, 2, 5, 5]',
    ],
    [
      'a dilated kernel larger than the padded image',
      convolution([1, 2, 4, 5], [3, 2, 3, 3], { dilations: [1, 4], pads: [0, 1, 0, 2] }),
      'Conv: the kernel spans 9, more than the padded input of 8: x [1, 2, 4, 5] with w [3, 2, 3, 3]',
    ],
    [
      'groups that do not divide the channels',
      convolution([1, 3, 4, 4], [4, 1, 2, 2], { group: 2 }),
      'Conv: 2 groups do not divide the channels of x [1, 3, 4, 4] with w [4, 1, 2, 2]',
    ],
    [
      'groups that do not divide the output channels',
      convolution([1, 4, 4, 4], [3, 2, 2, 2], { group: 2 }),
      'Conv: 2 groups do not divide the channels of x [1, 4, 4, 4] with w [3, 2, 2, 2]',
    ],
    [
      'another number of channels',
      convolution([1, 4, 4, 4], [3, 2, 2, 2]),
      'Conv: expected 2 input channels, found x [1, 4, 4, 4] with w [3, 2, 2, 2]',
    ],
    [
      'stride 0',
      convolution([1, 2, 4, 4], [3, 2, 2, 2], { strides: [0, 1] }),
      'Conv: expected strides of 2 whole numbers of at least 1, found [0,1]',
    ],
    [
      'dilation 0',
      convolution([1, 2, 4, 4], [3, 2, 2, 2], { dilations: [1, 0] }),
      'Conv: expected dilations of 2 whole numbers of at least 1, found [1,0]',
    ],
    [
      'half a pixel of padding',
      convolution([1, 2, 4, 4], [3, 2, 2, 2], { pads: [0, 0.5, 0, 0] }),
      'Conv: expected pads of 4 whole numbers of at least 0, found [0,0.5,0,0]',
    ],
    [
      'padding for rows only',
      convolution([1, 2, 4, 4], [3, 2, 2, 2], { pads: [1, 1] as never }),
      'Conv: expected pads of 4 whole numbers of at least 0, found [1,1]',
    ],
    [
      'no groups',
      convolution([1, 2, 4, 4], [3, 2, 2, 2], { group: 0 }),
      'Conv: expected a group of at least 1, found 0',
    ],
    [
      'a bias of another length',
      convolution([1, 2, 4, 4], [3, 2, 2, 2], {}, [2]),
      'Conv: expected a bias of 3, found b [2]',
    ],
    [
      'a bias that is a matrix',
      convolution([1, 2, 4, 4], [3, 2, 2, 2], {}, [3, 1]),
      'Conv: expected a bias of 3, found b [3, 1]',
    ],
    [
      'images without rows',
      convolution([1, 2, 4], [3, 2, 2, 2]),
      'Conv: expected two tensors of rank 4, found x [1, 2, 4] with w [3, 2, 2, 2]',
    ],
    ...([maxPool, averagePool] as const).flatMap((operator): [string, () => unknown, string][] => {
      const name = operator === maxPool ? 'MaxPool' : 'AveragePool'
      return [
        [
          `${name}: padding of a whole window`,
          () => pooling(operator, { kernel: [2, 3], pads: [0, 0, 2, 0] }),
          `${name}: expected less padding than the kernel of 2, found [0,0,2,0]`,
        ],
        [
          `${name}: a window larger than the image`,
          () => pooling(operator, { kernel: [2, 5], strides: [1, 1] }),
          `${name}: the window spans 5, more than the padded input of 4: x [2, 3, 5, 4]`,
        ],
        [
          `${name}: stride 0`,
          () => pooling(operator, { kernel: [2, 2], strides: [1, 0] }),
          `${name}: expected strides of 2 whole numbers of at least 1, found [1,0]`,
        ],
        [
          `${name}: an empty window`,
          () => pooling(operator, { kernel: [0, 2], strides: [1, 1] }),
          `${name}: expected kernel_shape of 2 whole numbers of at least 1, found [0,2]`,
        ],
        [
          `${name}: images without rows`,
          () => pooling(operator, { kernel: [2, 2] }, [3, 4]),
          `${name}: expected a tensor of rank 4, found x [3, 4]`,
        ],
      ]
    }),
    [
      'statistics of another number of channels',
      one((graph) => {
        const [x, c, d] = [graph.input('x', [2, 3, 4, 4]), graph.parameter('c', [3]), graph.parameter('d', [4])]
        return graph.apply(BatchNormalization, [x, c, c, c, d], { epsilon: 1e-5 })
      }),
      'BatchNormalization: expected one value for each of the 3 channels of x [2, 3, 4, 4], found d [4]',
    ],
    [
      'a scale for every pixel',
      one((graph) => {
        const [x, c, d] = [graph.input('x', [2, 3, 4, 4]), graph.parameter('c', [3]), graph.parameter('d', [3, 4, 4])]
        return graph.apply(BatchNormTrain, [x, d, c], { epsilon: 1e-5 })
      }),
      'BatchNormTrain: expected one value for each of the 3 channels of x [2, 3, 4, 4], found d [3, 4, 4]',
    ],
    [
      'normalization without channels',
      one((graph) => {
        const [x, c] = [graph.input('x', [4]), graph.parameter('c', [4])]
        return graph.apply(BatchNormTrain, [x, c, c], { epsilon: 1e-5 })
      }),
      'BatchNormTrain: expected channels on axis 1, found x [4]',
    ],
    [
      'a join of different sizes',
      one((graph) => concat(graph, [graph.input('x', [2, 3, 4]), graph.input('y', [2, 3, 5])])),
      'Concat: cannot join [2, 3, 4], [2, 3, 5] along axis 1',
    ],
    [
      'a join of samples',
      one((graph) => concat(graph, [graph.input('x', [2, 3]), graph.input('y', [2, 3])], 0)),
      'Concat: cannot join [2, 3], [2, 3] along axis 0',
    ],
    [
      'a join along no axis',
      one((graph) => graph.apply(Concat, [graph.input('x', [2, 3])], { axis: 2 })),
      'Concat: cannot join [2, 3] along axis 2',
    ],
    [
      'a slice beyond the end',
      one((graph) => slice(graph, graph.input('x', [2, 3, 4]), [0, 1, 0], [2, 2, 3], [1, 1, 2])),
      'Slice: starts [0,1,0], steps [1,1,2] and shape [2,2,3] do not fit into [2,3,4]',
    ],
    [
      'a slice of fewer axes',
      one((graph) => slice(graph, graph.input('x', [2, 3, 4]), [0, 1], [2, 2])),
      'Slice: starts [0,1], steps [1,1] and shape [2,2] do not fit into [2,3,4]',
    ],
    [
      'negative padding',
      one((graph) => pad(graph, graph.input('x', [2, 3]), [0, -1], [0, 2])),
      'Place: starts [0,-1], steps [1,1] and shape [2,3] do not fit into [2,4]',
    ],
    [
      'limits that are no scalars',
      one((graph) => graph.apply(Clip, [graph.input('x', [2, 3]), graph.constant(0, [3]), graph.constant(1)])),
      'Clip: expected scalars as limits',
    ],
    [
      'a gradient in another layout',
      one((graph) => {
        const [dy, x] = [graph.input('dy', [2, 3]), graph.input('x', [2, 3], { batched: false })]
        return graph.apply(ClipGrad, [dy, x, graph.constant(0), graph.constant(1)])
      }),
      'ClipGrad: expected equal shapes and layouts, found [2, 3] and [2, 3]',
    ],
    [
      'dropout of everything',
      one((graph) => graph.apply(DropoutMask, [graph.state('counter', [])], { shape: [2, 3], ratio: 1, stream: 0 })),
      'DropoutMask: expected a ratio of at least 0 and less than 1, found 1',
    ],
  ]
  it.each(refused)('%s', (_name, build, message) => {
    expect(build).toThrow(ShapeError)
    expect(build).toThrow(message)
  })
})

describe('what fits', () => {
  it.each<[Shape, Shape, ConvOptions, Shape]>([
    [[2, 3, 32, 32], [8, 3, 3, 3], { pads: [1, 1, 1, 1] }, [2, 8, 32, 32]],
    [[2, 3, 32, 32], [8, 3, 3, 3], { pads: [1, 1, 1, 1], strides: [2, 2] }, [2, 8, 16, 16]],
    [[2, 3, 7, 8], [4, 3, 3, 2], { dilations: [2, 3], strides: [1, 2] }, [2, 4, 3, 3]],
    [[2, 6, 5, 5], [6, 1, 5, 5], { group: 6 }, [2, 6, 1, 1]],
    [[2, 3, 4, 4], [4, 3, 1, 1], { strides: [3, 3], pads: [0, 2, 0, 0] }, [2, 4, 2, 2]],
  ])('a convolution of [%s] with [%s], %j, is [%s]', (x, weight, options, result) => {
    expect(convolution(x, weight, options)().shape).toEqual(result)
  })

  it('windows of pooling are rounded down', () => {
    expect(pooling(maxPool, { kernel: [2, 2] }).shape).toEqual([2, 3, 2, 2])
    expect(pooling(averagePool, { kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }).shape).toEqual([2, 3, 3, 2])
  })
})
