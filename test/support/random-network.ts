/**
 * @file Random image networks: convolutions, normalization, pooling, elementwise operators and joins over
 * small images, ending in a classifier.
 */
import { Graph } from '../../src/graph/graph.ts'
import { conv } from '../../src/graph/operators/conv.ts'
import { add, clip, hardSwish, relu, sigmoid } from '../../src/graph/operators/elementwise.ts'
import { linear } from '../../src/graph/operators/linear.ts'
import { softmax } from '../../src/graph/operators/loss.ts'
import { batchNorm } from '../../src/graph/operators/norm.ts'
import { averagePool, globalAveragePool, maxPool } from '../../src/graph/operators/pooling.ts'
import { concat, flatten, pad, slice } from '../../src/graph/operators/shape.ts'
import { sameShape, sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import type { Random } from '../../src/util/random.ts'

const MOST_ELEMENTS = 6000

/**
 * A network of about `steps` layers on `samples` images; `computed` holds the values in order. Nothing is an
 * output.
 */
export function randomNetwork(rng: Random, steps: number, samples: number, training = false) {
  const graph = new Graph()
  const between = (low: number, high: number) => low + rng.below(high - low + 1)
  const choose = <T>(from: readonly T[]): T => from[rng.below(from.length)]
  const images: Tensor[] = [graph.input('x', [samples, choose([1, 2, 3, 4]), between(3, 8), between(3, 8)])]
  const last = () => (rng.below(3) ? images.at(-1)! : choose(images))

  /** A kernel, a stride, a dilation and padding along each axis, such that the kernel fits. */
  const windows = (x: Tensor, dilated: boolean) => {
    const axes = [x.shape[2], x.shape[3]].map((size) => {
      const dilation = dilated ? choose([1, 1, 2]) : 1
      const kernel = between(1, Math.min(4, Math.floor((size - 1) / dilation) + 1))
      const pads = [rng.below(kernel), rng.below(kernel)]
      return { kernel, dilation, pads, stride: choose([1, 1, 2, 3]) }
    })
    const [rows, columns] = axes
    const pair = (key: 'kernel' | 'dilation' | 'stride') => [rows[key], columns[key]] as [number, number]
    const pads = [rows.pads[0], columns.pads[0], rows.pads[1], columns.pads[1]] as [number, number, number, number]
    return { kernel: pair('kernel'), dilations: pair('dilation'), strides: pair('stride'), pads }
  }
  const layers: ((x: Tensor) => Tensor | undefined)[] = [
    ...[1, 2].map(() => (x: Tensor) => {
      const { kernel, ...options } = windows(x, true)
      const channels = x.shape[1]
      const group = choose([1, 1, channels, channels % 2 ? 1 : 2])
      const out = group * between(1, group === 1 ? 7 : 2)
      const weight = graph.parameter(`w${graph.tensors.size}`, [out, channels / group, ...kernel])
      const bias = rng.below(2) ? graph.parameter(`b${graph.tensors.size}`, [out]) : undefined
      return conv(graph, x, weight, bias, { ...options, group })
    }),
    (x) => batchNorm(graph, x, `bn${graph.tensors.size}`, training),
    (x) => relu(graph, x),
    (x) => maxPool(graph, x, windows(x, false)),
    (x) => averagePool(graph, x, { ...windows(x, false), includePad: rng.below(2) === 1 }),
    (x) => choose([sigmoid, hardSwish, (g: Graph, y: Tensor) => clip(g, y, -0.4, 0.5)])(graph, x),
    (x) => {
      const other = images.findLast((image) => image !== x && sameShape(image.shape, x.shape))
      return other && add(graph, x, other)
    },
    (x) => {
      const others = images.filter(({ shape }) => sameShape(shape.slice(2), x.shape.slice(2)))
      return concat(graph, [x, choose(others), x].slice(0, between(2, 3)), 1)
    },
    (x) => pad(graph, x, [0, rng.below(2), rng.below(3), rng.below(2)], [0, 0, rng.below(2), rng.below(2)]),
    (x) => {
      const starts = x.shape.map((n, i) => (i === 0 ? 0 : rng.below(n)))
      const places = x.shape.map((n, i) => (i === 0 ? [n, 1] : [between(1, n - starts[i]), 1]))
      const strided = places.map(([n], i) => (i > 1 && n > 1 && rng.below(2) ? [Math.ceil(n / 2), 2] : [n, 1]))
      const [shape, step] = [0, 1].map((k) => strided.map((place) => place[k]))
      return slice(graph, x, starts, shape, step)
    },
  ]
  for (let step = 0; step < steps; step++) {
    const value = choose(layers)(last())
    if (value && sizeOf(value.shape) <= MOST_ELEMENTS) images.push(value)
  }
  const x = images.at(-1)!
  const features = flatten(graph, rng.below(2) ? globalAveragePool(graph, x) : x)
  const logits = linear(graph, features, 'classifier', 3)
  return { graph, computed: [...images.slice(1), features, logits, softmax(graph, logits)], logits }
}
