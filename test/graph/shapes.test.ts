import { describe, expect, it } from 'vitest'
import { Graph } from '../../src/graph/graph.ts'
import { ShapeError } from '../../src/graph/operator.ts'
import { LoadImages } from '../../src/graph/operators/batch.ts'
import { add, mul, ReluGrad, sub } from '../../src/graph/operators/elementwise.ts'
import { gemm, matmul } from '../../src/graph/operators/linear.ts'
import { countCorrect, crossEntropy, Softmax, SoftmaxCrossEntropyGrad } from '../../src/graph/operators/loss.ts'
import { Expand, expand, Flatten, flatten, ReduceSum, reduceSum, reshape } from '../../src/graph/operators/shape.ts'
import { GroupLasso, SgdStep, TieGradient } from '../../src/graph/operators/update.ts'
import type { Shape, Tensor } from '../../src/graph/tensor.ts'

/** A graph with an input of each shape, named a, b, c... */
function given(...shapes: Shape[]): [Graph, ...Tensor[]] {
  const graph = new Graph()
  return [graph, ...shapes.map((shape, i) => graph.input('abcdef'[i], shape, { batched: false }))]
}

describe('shapes that do not fit', () => {
  const refused: [string, () => unknown, string][] = [
    [
      'inner sizes of a product',
      () => {
        const [graph, a, b] = given([3, 4], [5, 2])
        return gemm(graph, a, b)
      },
      'Gemm: inner sizes differ: a [3, 4] has 4 columns, b [5, 2] has 5 rows',
    ],
    [
      'inner sizes of a transposed product',
      () => {
        const [graph, a, b] = given([3, 4], [5, 2])
        return gemm(graph, a, b, { transA: 1, transB: 1 })
      },
      'Gemm: inner sizes differ: a [3, 4] transposed has 3 columns, b [5, 2] transposed has 2 rows',
    ],
    [
      'a bias of another length',
      () => {
        const [graph, a, b, bias] = given([3, 4], [4, 2], [3])
        return gemm(graph, a, b, { bias })
      },
      'Gemm: expected a bias of 2, found c [3]',
    ],
    [
      'a bias that is a matrix',
      () => {
        const [graph, a, b, bias] = given([3, 4], [4, 2], [1, 2])
        return gemm(graph, a, b, { bias })
      },
      'Gemm: expected a bias of 2, found c [1, 2]',
    ],
    [
      'a product of more than matrices',
      () => {
        const [graph, a, b] = given([2, 3, 4], [4, 2])
        return matmul(graph, a, b)
      },
      'MatMul: expected two matrices, found a [2, 3, 4] and b [4, 2]',
    ],
    ...[add, sub, mul].map((operator): [string, () => unknown, string] => [
      `a broadcast: ${operator.name}`,
      () => {
        const [graph, a, b] = given([3, 4], [3])
        return operator(graph, a, b)
      },
      'shapes cannot be broadcast together: [3, 4] and [3]',
    ]),
    [
      'ReluGrad of different shapes',
      () => {
        const [graph, a, b] = given([3, 4], [4])
        return graph.apply(ReluGrad, [a, b])
      },
      'ReluGrad: expected equal shapes, found [3, 4] and [4]',
    ],
    [
      'Reshape to another number of elements',
      () => {
        const [graph, a] = given([3, 4])
        return reshape(graph, a, [5, 2])
      },
      'Reshape: cannot give [3,4] the shape [5,2]',
    ],
    [
      'Flatten of a scalar',
      () => {
        const [graph, a] = given([])
        return flatten(graph, a)
      },
      'Flatten: expected at least one axis, found a scalar',
    ],
    [
      'Flatten at another axis',
      () => {
        const [graph, a] = given([2, 3, 4])
        return graph.apply(Flatten, [a], { axis: 2 })
      },
      'Flatten: expected axis 1, found 2',
    ],
    [
      'Expand of an axis that is not 1',
      () => {
        const [graph, a] = given([3, 4])
        return expand(graph, a, [3, 8], false)
      },
      'Expand: cannot expand [3,4] to [3,8]',
    ],
    [
      'Expand to fewer axes',
      () => {
        const [graph, a] = given([3, 4])
        return graph.apply(Expand, [a], { shape: [4] })
      },
      'Expand: cannot expand [3,4] to [4]',
    ],
    ...[[2], [-1], [0.5], []].map((axes): [string, () => unknown, string] => [
      `a sum over [${axes}]`,
      () => {
        const [graph, a] = given([3, 4])
        return reduceSum(graph, a, axes)
      },
      `ReduceSum: expected axes between 0 and 1, found [${axes}]`,
    ]),
    [
      'an attribute of another type',
      () => {
        const [graph, a] = given([3, 4])
        return graph.apply(ReduceSum, [a], { axes: 1 })
      },
      'attribute axes: expected a list of numbers, found 1',
    ],
    [
      'Softmax along an axis that is not there',
      () => {
        const [graph, a] = given([3, 4])
        return graph.apply(Softmax, [a], { axis: 2 })
      },
      'Softmax: axis 2 is not a class axis of a [3, 4]',
    ],
    [
      'Softmax along samples',
      () => {
        const graph = new Graph()
        return graph.apply(Softmax, [graph.input('x', [3, 4])], { axis: 0 })
      },
      'Softmax: axis 0 is not a class axis of x [3, 4]',
    ],
    [
      'labels of another number',
      () => {
        const graph = new Graph()
        return crossEntropy(graph, graph.input('logits', [3, 4]), graph.input('labels', [4]))
      },
      'SoftmaxCrossEntropyLoss: expected logits [N, C] and labels [N], found logits [3, 4] and labels [4]',
    ],
    [
      'logits with more axes',
      () => {
        const graph = new Graph()
        return countCorrect(graph, graph.input('logits', [3, 4, 1]), graph.input('labels', [3]))
      },
      'CountCorrect: expected logits [N, C] and labels [N], found logits [3, 4, 1] and labels [3]',
    ],
    [
      'gradients of losses of another number',
      () => {
        const graph = new Graph()
        const [z, labels, dloss] = [graph.input('z', [3, 4]), graph.input('labels', [3]), graph.input('dloss', [4])]
        return graph.apply(SoftmaxCrossEntropyGrad, [z, labels, dloss])
      },
      'SoftmaxCrossEntropyGrad: dloss and labels differ in shape',
    ],
    [
      'images that are floats',
      () => {
        const [graph, images, index, scale] = given([9, 1, 2, 2], [3], [1])
        return graph.apply(LoadImages, [images, index, scale, scale])
      },
      'LoadImages: expected bytes and 1 scales and shifts, found a [9, 1, 2, 2]',
    ],
    [
      'a gradient of another shape',
      () => {
        const [graph, w, g, v, hyper] = given([3, 4], [4, 3], [3, 4], [5])
        return graph.apply(SgdStep, [w, g, v, hyper])
      },
      'SgdStep: expected the shape of a [3, 4], found b [4, 3]',
    ],
    [
      'a gradient that lies batch-innermost',
      () => {
        const [graph, w, v, hyper] = given([3, 4], [3, 4], [5])
        return graph.apply(SgdStep, [w, graph.input('g', [3, 4]), v, hyper])
      },
      'SgdStep: the gradient g [3, 4] runs over samples',
    ],
    [
      'too few settings of the optimizer',
      () => {
        const [graph, w, g, v, hyper] = given([3, 4], [3, 4], [3, 4], [3])
        return graph.apply(SgdStep, [w, g, v, hyper])
      },
      'SgdStep: expected hyper [5], found d [3]',
    ],
    [
      'an order of parts that do not make the gradient',
      () => {
        const [graph, gradient] = given([3, 5])
        return graph.apply(TieGradient, [gradient, graph.state('order', [4 * 4], { bytes: true })], { entries: 2 })
      },
      'TieGradient: order [16] orders no equal parts of a [3, 5]',
    ],
    [
      'a group lasso of a linear layer',
      () => {
        const [graph, gradient, weight] = given([3, 5], [3, 5])
        return graph.apply(GroupLasso, [gradient, weight], { coefficient: 1 })
      },
      'GroupLasso: expected kernels and their gradient, found b [3, 5], a [3, 5]',
    ],
    [
      'more entries than weights',
      () => {
        const [graph, gradient] = given([3, 5])
        return graph.apply(TieGradient, [gradient, graph.state('order', [4 * 15], { bytes: true })], { entries: 16 })
      },
      'TieGradient: expected 1 to 15 entries, found 16',
    ],
  ]
  it.each(refused)('%s', (_name, build, message) => {
    expect(build).toThrow(ShapeError)
    expect(build).toThrow(message)
  })
})

describe('shapes that fit', () => {
  it.each<[Shape, Shape, Shape]>([
    [[3, 4], [4], [3, 4]],
    [
      [3, 1],
      [1, 4],
      [3, 4],
    ],
    [[], [2, 1], [2, 1]],
    [
      [5, 1, 2],
      [4, 1],
      [5, 4, 2],
    ],
  ])('[%s] and [%s] are broadcast to [%s]', (left, right, result) => {
    const [graph, a, b] = given(left, right)
    expect(add(graph, a, b).shape).toEqual(result)
    expect(add(graph, b, a).shape).toEqual(result)
  })

  it('sums keep their axes with size 1, or drop them', () => {
    const [graph, a] = given([2, 3, 4])
    expect(reduceSum(graph, a, [0, 2]).shape).toEqual([1, 3, 1])
    expect(reduceSum(graph, a, [0, 2], 0).shape).toEqual([3])
    expect(reduceSum(graph, a, [0, 1, 2], 0).shape).toEqual([])
  })
})
