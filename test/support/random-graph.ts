/**
 * @file Random graphs of small tensors: every forward operator, on operands of any rank, batched or not.
 */
import { Graph } from '../../src/graph/graph.ts'
import { add, mul, neg, ReluGrad, relu, sub } from '../../src/graph/operators/elementwise.ts'
import { gemm, matmul } from '../../src/graph/operators/linear.ts'
import { Softmax, SoftmaxCrossEntropyGrad, SoftmaxCrossEntropyLoss } from '../../src/graph/operators/loss.ts'
import { reduceMean } from '../../src/graph/operators/mean.ts'
import { expand, flatten, reduceSum, reshape } from '../../src/graph/operators/shape.ts'
import { type Shape, sizeOf, type Tensor } from '../../src/graph/tensor.ts'
import type { Random } from '../../src/util/random.ts'

/** A graph of about `steps` nodes. Nothing is marked as an output. `computed` holds the values in order. */
export interface RandomGraph {
  graph: Graph
  computed: Tensor[]
}

const SAMPLES = 3
const MOST_ELEMENTS = 200

/** `gradients`: also the operators that only gradients are made of. */
export function randomGraph(rng: Random, steps: number, { gradients = false } = {}): RandomGraph {
  const graph = new Graph()
  const labels = graph.input('labels', [SAMPLES])
  const pool = [
    graph.input('x', [SAMPLES, 4]),
    graph.input('image', [SAMPLES, 2, 3, 2]),
    graph.input('table', [4, 3], { batched: false }),
    graph.input('rate', []),
  ]
  const inputs = pool.length
  const choose = <T>(from: readonly T[]): T => from[rng.below(from.length)]
  // Mostly recent values, so that graphs get deep.
  const pick = (fits: (tensor: Tensor) => boolean = () => true) => {
    const candidates = pool.filter(fits).slice(rng.below(2) ? -3 : 0)
    return candidates.length ? choose(candidates) : undefined
  }
  const parameter = (shape: Shape) => graph.parameter(`p${graph.tensors.size}`, shape)
  const rankIs = (rank: number) => (tensor: Tensor) => tensor.shape.length === rank
  // Labels are 0 or 1.
  const isLogits = ({ shape, batched }: Tensor) => shape.length === 2 && batched && shape[0] === SAMPLES && shape[1] > 1
  const someAxes = ({ shape }: Tensor) => {
    const axes = shape.map((_, i) => i).filter(() => rng.below(2))
    return axes.length ? axes : [rng.below(shape.length)]
  }

  /**
   * Another operand for an elementwise operator: from the pool, or a parameter that is repeated along some
   * axes.
   */
  const partner = (x: Tensor) => {
    const known = pick((tensor) => broadcastSize(tensor.shape, x.shape) <= MOST_ELEMENTS)
    if (known && rng.below(2)) return known
    return parameter(x.shape.slice(rng.below(x.shape.length + 1)).map((n) => (rng.below(3) ? n : 1)))
  }
  const product = (x: Tensor) => {
    const [transA, transB] = [rng.below(2), rng.below(2)]
    const inner = x.shape[transA ? 0 : 1]
    const known = pick(({ shape }) => shape.length === 2 && shape[transB ? 1 : 0] === inner)
    const b = known ?? parameter(transB ? [2, inner] : [inner, 2])
    const bias = rng.below(2) ? parameter([b.shape[transB ? 0 : 1]]) : undefined
    return gemm(graph, x, b, { transA, transB, bias, alpha: choose([1, 0.5]), beta: choose([1, 2]) })
  }
  const operators: (() => Tensor | undefined)[] = [
    () => neg(graph, pick()!),
    () => relu(graph, pick()!),
    ...[add, sub, mul].map((operator) => () => {
      const x = pick()!
      const y = partner(x)
      return rng.below(2) ? operator(graph, x, y) : operator(graph, y, x)
    }),
    () => {
      const x = pick()!
      const shape = choose([[sizeOf(x.shape)], [...x.shape].reverse(), [1, ...x.shape].slice(0, 4), x.shape])
      if (sizeOf(shape) !== sizeOf(x.shape)) return undefined
      const mayBeBatched = shape.length > 0 && !(x.batched && shape[0] !== x.shape[0])
      return reshape(graph, x, shape, mayBeBatched && rng.below(2) === 1)
    },
    () => {
      const x = pick((tensor) => tensor.shape.length > 0)!
      return flatten(graph, x)
    },
    () => {
      const x = pick(({ shape }) => shape.length < 4 && sizeOf(shape) <= MOST_ELEMENTS / 6)!
      const shape = x.shape.map((n) => (n === 1 ? choose([1, 2, 3]) : n))
      return x && expand(graph, x, rng.below(2) ? [2, ...shape] : shape, false)
    },
    ...[reduceSum, reduceMean].map((operator) => () => {
      const x = pick((tensor) => tensor.shape.length > 0)!
      return operator(graph, x, someAxes(x), rng.below(2))
    }),
    () => product(pick(rankIs(2))!),
    () => {
      const x = pick(rankIs(2))!
      return matmul(graph, x, parameter([x.shape[1], choose([1, 3])]))
    },
    () => {
      const x = pick(({ shape, batched }) => shape.length > (batched ? 1 : 0))
      const first = x?.batched ? 1 : 0
      return x && graph.apply(Softmax, [x], { axis: first + rng.below(x.shape.length - first) })[0]
    },
    () => {
      const x = pick(isLogits)
      return x && graph.apply(SoftmaxCrossEntropyLoss, [x, labels])[0]
    },
  ]
  if (gradients)
    operators.push(
      () => {
        const y = pick()!
        const dy = pick(({ shape }) => String(shape) === String(y.shape))!
        return graph.apply(ReluGrad, [dy, y])[0]
      },
      () => {
        const x = pick(isLogits)
        const dloss = pick(({ shape }) => shape.length === 1 && shape[0] === SAMPLES)
        return x && dloss && graph.apply(SoftmaxCrossEntropyGrad, [x, labels, dloss])[0]
      },
    )

  for (let step = 0; step < steps; step++) {
    const value = choose(operators)()
    if (value && !pool.includes(value) && sizeOf(value.shape) <= MOST_ELEMENTS) pool.push(value)
  }
  return { graph, computed: pool.slice(inputs) }
}

/** Elements of the broadcast of two shapes; Infinity where there is none. */
function broadcastSize(a: Shape, b: Shape): number {
  const rank = Math.max(a.length, b.length)
  let size = 1
  for (let i = 1; i <= rank; i++) {
    const [m, n] = [a[a.length - i] ?? 1, b[b.length - i] ?? 1]
    if (m !== n && m !== 1 && n !== 1) return Number.POSITIVE_INFINITY
    size *= Math.max(m, n)
  }
  return size
}
