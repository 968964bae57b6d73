/**
 * @file Sparse parameters: a graph in which some weights are held as their nonzeros alone. The parameter, and
 * what is kept beside it, shrink from the weight's shape to one value per nonzero; its layer and the layer's
 * gradients become their sparse counterparts.
 */

import { Graph } from './graph.ts'
import type { Node } from './operator.ts'
import { transposes } from './operators/linear.ts'
import { reduceSum, reshape } from './operators/shape.ts'
import { SparseConv, SparseConvInputGrad, SparseConvWeightGrad } from './operators/sparse.ts'
import { SparseGroupLasso } from './operators/update.ts'
import { dropDeadNodes } from './simplify.ts'
import { type Shape, sameShape, type Tensor } from './tensor.ts'

/** Byte tensors of a pattern, by what they hold: `t` of the transposed one. */
export const patternNames = (parameter: string) => ({
  starts: `${parameter}.starts`,
  places: `${parameter}.places`,
  tStarts: `${parameter}.t.starts`,
  tPlaces: `${parameter}.t.places`,
  tEntries: `${parameter}.t.entries`,
})

/** How a node uses a weight. */
type Use = 'forward' | 'input gradient' | 'penalty' | 'update'

/** The most parts that a batch is cut into for the gradient of a weight. */
const MOST_PARTS = 8
const SAMPLES_OF_PART = 16

/**
 * Into how many parts a batch of a layer with such an output is cut; each is one thread's work, so they do
 * not depend on the threads.
 */
export const partsOf = ([samples, , ...map]: Shape): number =>
  map.length === 0 || map.every((n) => n === 1) ? 1 : Math.min(MOST_PARTS, Math.ceil(samples / SAMPLES_OF_PART))

/**
 * Whether the graph uses a weight in no way that has no sparse counterpart. `fits` says whether kernels take
 * a node of the Conv family.
 */
export function canBeSparse(graph: Graph, weight: Tensor, fits: (node: Node) => boolean): boolean {
  const { nodes } = dropDeadNodes(graph)
  return nodes.every((node) => {
    if (!node.inputs.includes(weight)) return true
    const use = useOf(node, weight)
    if (use === 'penalty') return true
    if (use === 'update') return gradientMaker(nodes, node.inputs[1], weight) !== undefined
    return use !== undefined && fits(node)
  })
}

function useOf({ operator: { name }, inputs, attributes }: Node, weight: Tensor): Use | undefined {
  if (inputs.filter((input) => input === weight).length !== 1) return undefined
  if (name === 'SgdStep' || name === 'FactoredSgdStep') return inputs[0] === weight ? 'update' : undefined
  if (name === 'GroupLasso') return inputs[1] === weight ? 'penalty' : undefined
  if (inputs[1] !== weight || !inputs[0].batched) return undefined
  if (name === 'Conv') return attributes.group === undefined || attributes.group === 1 ? 'forward' : undefined
  if (name === 'ConvInputGrad') return 'input gradient'
  if (name === 'ConvTranspose') return (attributes.group ?? 1) === 1 ? 'input gradient' : undefined
  if (name !== 'Gemm' || transposes(attributes).transA) return undefined
  return transposes(attributes).transB ? 'forward' : inputs[2] ? undefined : 'input gradient'
}

/**
 * The node that makes a weight's gradient, before penalties, where it is one that has a sparse counterpart.
 */
function gradientMaker(nodes: readonly Node[], gradient: Tensor, weight: Tensor): Node | undefined {
  const maker = nodes.find(({ outputs }) => outputs[0] === gradient)
  if (!maker || !sameShape(gradient.shape, weight.shape)) return undefined
  if (maker.operator.name === 'GroupLasso') return gradientMaker(nodes, maker.inputs[0], weight)
  if (maker.operator.name === 'ConvWeightGrad') return maker
  const { transA, transB } = transposes(maker.attributes)
  const [dy, x] = maker.inputs
  return maker.operator.name === 'Gemm' && transA && !transB && dy.batched && x.batched ? maker : undefined
}

/**
 * The same graph with some of its parameters sparse, by name with the room for so many nonzeros. Each must
 * pass {@link canBeSparse}. States that lie beside a parameter (momentum, masks...) are kept per nonzero too.
 */
export function sparsify(from: Graph, sparse: ReadonlyMap<string, number>): Graph {
  const graph = new Graph(from)
  graph.nodes.length = 0
  const replaced = new Map<Tensor, Tensor>()
  const parameters = new Map<Tensor, number>()
  for (const tensor of from.tensors.values()) {
    const capacity = sparse.get(tensor.beside ?? tensor.name)
    if (capacity === undefined) continue
    if (tensor.beside === undefined) parameters.set(tensor, capacity)
    const small = { ...tensor, shape: [capacity] }
    graph.tensors.set(tensor.name, small)
    replaced.set(tensor, small)
  }
  const pattern = (weight: Tensor) => {
    const capacity = parameters.get(weight)!
    const ints = (name: string, count: number) => graph.state(name, [4 * count], { bytes: true })
    const names = patternNames(weight.name)
    return {
      capacity,
      values: replaced.get(weight)!,
      forward: [ints(names.starts, weight.shape[0] + 1), ints(names.places, capacity)],
      transposed: [
        ints(names.tStarts, weight.shape[1] + 1),
        ints(names.tPlaces, capacity),
        ints(names.tEntries, capacity),
      ],
    }
  }
  /** The nodes that make gradients of sparse weights, and the sparse gradients once they are made. */
  const makers = new Map<Node, Tensor>()
  const gradients = new Map<Tensor, Tensor>()
  for (const node of from.nodes) {
    const [weight, gradient] = node.inputs
    if (parameters.has(weight) && useOf(node, weight) === 'update')
      makers.set(gradientMaker(from.nodes, gradient, weight)!, weight)
  }

  for (const node of from.nodes) {
    const { operator, inputs, outputs } = node
    const { shape: _, ...attributes } = operator.name === 'Gemm' ? {} : node.attributes
    const weight = inputs.find((input) => parameters.has(input))
    const use = weight && useOf(node, weight)
    if (!weight || !use) {
      // A dense gradient that something else reads stays; otherwise it is dead.
      graph.nodes.push(node)
      const made = makers.get(node)
      if (!made) continue
      const [x, dy] = operator.name === 'Gemm' ? [inputs[1], inputs[0]] : inputs
      const { forward, capacity } = pattern(made)
      const parts = partsOf(dy.shape)
      const options = { ...attributes, weight: made.shape, capacity, parts }
      const [sums] = graph.apply(SparseConvWeightGrad, [x, dy, ...forward], options)
      gradients.set(made, parts > 1 ? reduceSum(graph, sums, [0], 0) : reshape(graph, sums, [capacity], false))
    } else if (use === 'penalty') {
      const { values, forward } = pattern(weight)
      const options = { ...attributes, weight: weight.shape }
      gradients.set(weight, graph.apply(SparseGroupLasso, [gradients.get(weight)!, values, ...forward], options)[0])
    } else if (use === 'update') {
      const [, , ...states] = inputs
      const small = states.map((state) => replaced.get(state) ?? state)
      graph.apply(operator, [replaced.get(weight)!, gradients.get(weight)!, ...small])
    } else {
      const { values, forward, transposed } = pattern(weight)
      const shape = { weight: weight.shape, ...(use === 'forward' ? {} : { shape: outputs[0].shape }) }
      graph.nodes.push({
        operator: use === 'forward' ? SparseConv : SparseConvInputGrad,
        inputs: [inputs[0], values, ...(use === 'forward' ? forward : transposed), ...inputs.slice(2)],
        outputs,
        attributes: { ...attributes, ...shape },
      })
    }
  }
  return graph
}
