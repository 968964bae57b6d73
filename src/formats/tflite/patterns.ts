/**
 * @file Activations that are several operators here and one in TensorFlow Lite: GELU, hard swish, and leaky
 * ReLU, found by what they compute.
 *
 *     GELU(x) = x (1 + erf(x / sqrt 2)) / 2;  hard swish(x) = x min(max(x + 3, 0), 6) / 6
 */
import { Graph } from '../../graph/graph.ts'
import type { Attributes, Node, Operator } from '../../graph/operator.ts'
import { dropDeadNodes } from '../../graph/simplify.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { type Numbers, oneOf } from './known.ts'

const like = (name: string): Operator => ({
  name,
  infer: ([{ shape, batched }]) => [{ shape, batched }],
})
const Gelu = like('Gelu')
const HardSwish = like('HardSwish')
const LeakyRelu = like('LeakyRelu')

/** How far a constant may be from the one of a formula. */
const CLOSE = 1e-6
const isClose = (a: number, b: number) => Math.abs(a - b) <= CLOSE * Math.abs(b)

/** What a node and those before it compute. */
interface Found {
  operator: Operator
  x: Tensor
  attributes?: Attributes
}

/** The graph with one operator in the place of each such activation. */
export function withActivations(from: Graph, known: ReadonlyMap<Tensor, Numbers>): Graph {
  const search = new Search(from, known)
  const graph = new Graph(from)
  graph.nodes.length = 0
  for (const node of from.nodes) {
    const found = search.at(node)
    graph.nodes.push(
      found
        ? { operator: found.operator, inputs: [found.x], outputs: node.outputs, attributes: found.attributes ?? {} }
        : node,
    )
  }
  return dropDeadNodes(graph)
}

/** A product of computed tensors and a number. */
interface Product {
  factors: Tensor[]
  number: number
}

class Search {
  readonly #known: ReadonlyMap<Tensor, Numbers>
  readonly #makers: ReadonlyMap<Tensor, Node>

  constructor(graph: Graph, known: ReadonlyMap<Tensor, Numbers>) {
    this.#known = known
    this.#makers = new Map(graph.nodes.map((node) => [node.outputs[0], node]))
  }

  at(node: Node): Found | undefined {
    if (node.operator.name === 'Add') return this.#leaky(node)
    if (node.operator.name !== 'Mul') return undefined
    const { factors, number } = this.#product(node.outputs[0])
    if (factors.length !== 2) return undefined
    return this.#gated(factors[0], factors[1], number) ?? this.#gated(factors[1], factors[0], number)
  }

  /** x times a function of x times a number. */
  #gated(x: Tensor, gate: Tensor, number: number): Found | undefined {
    if (isClose(number, 0.5) && this.#isShare(gate, x)) return { operator: Gelu, x }
    if (this.#isHardSigmoid(gate, x, number)) return { operator: HardSwish, x }
    return undefined
  }

  /** 1 + erf(x / sqrt 2). */
  #isShare(gate: Tensor, x: Tensor): boolean {
    const [erf, one] = this.#sum(gate) ?? []
    if (!erf || !isClose(one!, 1)) return false
    const maker = this.#maker(erf, 'Erf')
    if (!maker) return false
    const { factors, number } = this.#product(maker.inputs[0])
    return factors.length === 1 && factors[0] === x && isClose(number, Math.SQRT1_2)
  }

  /** Whether `number` times a gate is min(max(x + 3, 0), 6) / 6. */
  #isHardSigmoid(gate: Tensor, x: Tensor, number: number): boolean {
    const clip = this.#maker(gate, 'Clip')
    if (!clip) return false
    const [inner, low, high] = clip.inputs
    const [least, most] = [low, high].map((limit) => oneOf(this.#known.get(limit)))
    const [scaled, summand] = this.#sum(inner) ?? []
    if (!scaled || least !== 0 || most === undefined || !isClose(most * number, 1)) return false
    const { factors, number: factor } = this.#product(scaled)
    // The same whether the sixth is inside or outside.
    return (
      factors.length === 1 && factors[0] === x && isClose(factor * number, 1 / 6) && isClose(summand! * number, 0.5)
    )
  }

  /** max(x, 0) + slope min(x, 0), the latter -max(-x, 0). */
  #leaky({ inputs: [above, below] }: Node): Found | undefined {
    const x = this.#maker(above, 'Relu')?.inputs[0]
    if (!x) return undefined
    const { factors, number } = this.#product(below)
    const relu = factors.length === 1 ? this.#maker(factors[0], 'Relu') : undefined
    if (!relu) return undefined
    const inner = this.#product(relu.inputs[0])
    const isNegative = inner.factors.length === 1 && inner.factors[0] === x && inner.number === -1
    return isNegative ? { operator: LeakyRelu, x, attributes: { alpha: -number } } : undefined
  }

  #maker(tensor: Tensor, name: string): Node | undefined {
    const maker = this.#makers.get(tensor)
    return maker?.operator.name === name ? maker : undefined
  }

  /** A tensor and the number that is added to it. */
  #sum(tensor: Tensor): [Tensor, number] | undefined {
    const maker = this.#maker(tensor, 'Add')
    const [a, b] = maker?.inputs ?? []
    const [left, right] = [a, b].map((term) => term && oneOf(this.#known.get(term)))
    if (maker && right !== undefined) return [a, right]
    return maker && left !== undefined ? [b, left] : undefined
  }

  /** Computed factors, and all numbers that they are multiplied with or divided by. */
  #product(tensor: Tensor): Product {
    const single = oneOf(this.#known.get(tensor))
    if (single !== undefined) return { factors: [], number: single }
    const maker = this.#makers.get(tensor)
    const parts = maker?.inputs.map((input) => () => this.#product(input)) ?? []
    if (maker?.operator.name === 'Mul') {
      const [a, b] = parts.map((part) => part())
      return { factors: [...a.factors, ...b.factors], number: a.number * b.number }
    }
    if (maker?.operator.name === 'Neg') {
      const { factors, number } = parts[0]()
      return { factors, number: -number }
    }
    const divisor = maker?.operator.name === 'Div' ? oneOf(this.#known.get(maker.inputs[1])) : undefined
    if (divisor === undefined) return { factors: [tensor], number: 1 }
    const { factors, number } = parts[0]()
    return { factors, number: number / divisor }
  }
}
