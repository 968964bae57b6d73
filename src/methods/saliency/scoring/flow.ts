/**
 * @file SynFlow's gradient (Tanaka et al. 2020): R is the sum of the network's outputs for one image of ones,
 * with |p| for every parameter and buffer p and given statistics in batch normalizations. No data.
 *
 * R grows like the product of the layers' sizes and leaves float32 in deep networks. It is linear in (the
 * image, all that is added: biases, means) together, and its gradient in R. Both are therefore multiplied by
 * a power of two s, chosen so that s^2 R is near 1; what comes out is s^2 dR / d|w|, in the same order. That
 * reaches to an R of about 2^240.
 */
import { differentiate } from '../../../graph/differentiate.ts'
import { Graph } from '../../../graph/graph.ts'
import { abs, mul } from '../../../graph/operators/elementwise.ts'
import { reduceSum } from '../../../graph/operators/shape.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import type { Model } from '../../../models/model.ts'
import type { Network } from '../../../train/network.ts'
import type { Random } from '../../../util/random.ts'
import { type ByTensor, type Measurement, type Programs, type Results, tensorsOf } from './measurement.ts'

const PROGRAM = 'score flow'
/** The state that holds s. */
const SCALE = 'flow.scale'
/** The least exponent of s, and the steps in which one is looked for. */
const LEAST = -120
const STEP = 30
/** How far from 0 half the exponent of s^2 R may be. */
const FAR = 20

/** Inputs that are added to a layer's output, by operator. */
const added: Readonly<Record<string, readonly number[]>> = { Conv: [2], Gemm: [2], BatchNormalization: [2, 3] }

export class Flow implements Measurement {
  readonly programs: Programs
  readonly runs = 1
  /** No sample takes part. */
  readonly gradients = 0
  /** Of s: that of the round before will mostly do again. */
  #exponent = 0

  /** `prunable`: names of the tensors to be scored. Default: the weights of layers. */
  constructor(prunable?: readonly string[]) {
    this.programs = { [PROGRAM]: (_forward, model) => flowGraph(model, prunable) }
  }

  measure(network: Network, _samples: Uint32Array, _draw: (name: string) => Random, ran: () => void): Results {
    const { executable } = network
    const run = (exponent: number) => {
      executable.view(SCALE).fill(2 ** exponent)
      executable.run(PROGRAM)
      return executable.scalar(PROGRAM, 'R')
    }
    let exponent = this.#exponent
    let R = run(exponent)
    while (!Number.isFinite(R) && exponent > LEAST) R = run((exponent -= STEP))
    while (R === 0 && exponent < -LEAST) R = run((exponent += STEP))
    const excess = Math.round(Math.log2(R) / 2)
    if (Number.isFinite(excess) && Math.abs(excess) > FAR) run((exponent = Math.max(exponent - excess, LEAST)))
    this.#exponent = exponent
    ran()
    const flow: ByTensor = new Map(
      network.prunable.map(({ name }) => [name, Float64Array.from(executable.raw(PROGRAM, name))]),
    )
    return { flow }
  }
}

/** Outputs `R` (s^2 R) and, by the name of each prunable weight w, s^2 dR / d|w|. */
function flowGraph(model: Model, prunable?: readonly string[]): Graph {
  const plain = new Graph()
  const ones = plain.constant(1, [1, ...model.image], true)
  const outputs = model.build(plain, ones, false)
  const weights = tensorsOf(plain, prunable)

  const graph = new Graph(plain)
  graph.nodes.length = 0
  const scale = graph.state(SCALE, [])
  const replaced = new Map<Tensor, Tensor>([[ones, mul(graph, ones, scale)]])
  for (const p of graph.stored()) replaced.set(p, abs(graph, p))
  for (const node of plain.nodes) {
    const inputs = node.inputs.map((input, i) => {
      const positive = replaced.get(input) ?? input
      return added[node.operator.name]?.includes(i) ? mul(graph, positive, scale) : positive
    })
    graph.nodes.push({ ...node, inputs })
  }
  const R = mul(graph, reduceSum(graph, outputs, [0, 1], 0), scale)
  const { graph: result, gradients } = differentiate(
    graph,
    R,
    weights.map((weight) => replaced.get(weight)!),
  )
  result.output('R', R)
  gradients.forEach((gradient, i) => {
    result.output(weights[i].name, gradient)
  })
  return result
}
