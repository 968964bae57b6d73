/**
 * @file Fusion: neighbours that one kernel can do at once. Done after differentiation, so no gradient rule
 * knows of it.
 */
import { Graph } from '../graph/graph.ts'
import type { Node } from '../graph/operator.ts'
import { Add } from '../graph/operators/elementwise.ts'
import { sameShape, type Tensor } from '../graph/tensor.ts'
import { RECTIFY } from './kernels/rectify.ts'

/** Operators whose kernels can end with a ReLU. */
const withRelu = new Set(['Gemm', 'MatMul', 'Conv', 'SparseConv', 'BatchNormalization', 'BatchNormTrain', 'Add'])

/** Operators whose kernels can end with a ReLU6. */
const withRelu6 = new Set(['Gemm', 'MatMul', 'Conv', 'SparseConv'])

/** What a node does that other kernels can end with. */
function rectifies({ operator, inputs: [, low, high] }: Node): number {
  if (operator.name === 'Relu') return RECTIFY.relu
  const is6 = operator.name === 'Clip' && constantOf(low) === 0 && constantOf(high) === 6
  return is6 ? RECTIFY.relu6 : RECTIFY.none
}

const constantOf = ({ values }: Tensor) => (typeof values === 'number' ? values : values?.[0])

/** max(a + b, 0). */
const AddRelu = { ...Add, name: 'AddRelu' }

/**
 * - A node whose kernel can end with a ReLU or ReLU6, and whose only reader is one, takes it over (attribute
 *   `relu`, a value of RECTIFY, or AddRelu).
 * - A batch normalization or a sparse convolution that only a sum reads adds the other summand itself
 *   (attribute `residual`, the last input).
 * - A ReLU's gradient that a batch normalization's gradient reads before anything else becomes a mask of the
 *   latter (a sixth input); a sum that only the former reads is taken there, too (a seventh input). What
 *   other nodes read of it becomes a fourth output.
 * - Where the gradient of a convolution's weight is asked for and also the sum of the squares of its samples'
 *   gradients, the latter's node computes both, in the former's place: the gradient, sum over samples,
 *   becomes its second output.
 */
export function fuse(from: Graph): Graph {
  const readers = new Map<Tensor, Node[]>()
  for (const node of from.nodes)
    for (const input of node.inputs) {
      const known = readers.get(input)
      if (known) known.push(node)
      else readers.set(input, [node])
    }
  const outputs = new Set(from.outputs.values())
  const makers = new Map<Tensor, Node>()
  const nodes: (Node | undefined)[] = []
  const place = new Map<Node, number>()
  const weightGrads = new Set<Node>()

  /** The node that made a tensor, if it is one of these and no output of the graph. */
  const makerOf = (tensor: Tensor, names: ReadonlySet<string>): Node | undefined => {
    const maker = makers.get(tensor)
    return maker && !outputs.has(tensor) && names.has(maker.operator.name) && maker.outputs[0] === tensor
      ? maker
      : undefined
  }
  /** The same, if nothing else needs that tensor. */
  const soleMaker = (tensor: Tensor, names: ReadonlySet<string>): Node | undefined =>
    readers.get(tensor)!.length === 1 ? makerOf(tensor, names) : undefined
  /** The node that sums the gradients by sample whose squares a node sums; each is given once. */
  const takeSum = ({ inputs: [x, dy], attributes }: Node): Node | undefined => {
    for (const sum of weightGrads)
      if (sum.inputs[0] === x && sum.inputs[1] === dy && sum.attributes === attributes) {
        weightGrads.delete(sum)
        return sum
      }
    return undefined
  }
  const put = (node: Node, at = nodes.length) => {
    nodes[at] = node
    place.set(node, at)
    for (const output of node.outputs) makers.set(output, node)
  }
  const remove = (node: Node) => {
    nodes[place.get(node)!] = undefined
  }

  /** Gives a sum to the node that makes one of the summands, if there is one that can add. */
  function addResidual(sum: Node): boolean {
    for (const [i, input] of sum.inputs.entries()) {
      const other = sum.inputs[1 - i]
      const maker = soleMaker(input, withResidual)
      if (!maker || !canAdd(maker, sum)) continue
      // A normalization's statistics may be read before the sum: it stays where it is.
      const stays = maker.operator.name !== 'SparseConv'
      const at = place.get(maker)!
      const made = makers.get(other)
      if (stays && made && place.get(made)! > at) continue
      remove(maker)
      const attributes = { ...maker.attributes, residual: 1 }
      const outputs = [sum.outputs[0], ...maker.outputs.slice(1)]
      put({ ...maker, inputs: [...maker.inputs, other], outputs, attributes }, stays ? at : undefined)
      return true
    }
    return false
  }

  /** Gives a batch normalization's gradient the ReLU's gradient that it reads, and the sum that one reads. */
  function takeMask(node: Node): boolean {
    const [dy, ...rest] = node.inputs
    const masked = makerOf(dy, reluGrad)
    if (!masked || readers.get(dy)![0] !== node || rest.includes(dy)) return false
    remove(masked)
    const [arriving, y] = masked.inputs
    const sum = soleMaker(arriving, add)
    const adds = sum?.inputs.every((input) => sameLayout(input, dy))
    if (sum && adds) remove(sum)
    const [first, ...more] = sum && adds ? sum.inputs : [arriving]
    const kept = readers.get(dy)!.length > 1 ? [dy] : []
    put({ ...node, inputs: [first, ...rest, y, ...more], outputs: [...node.outputs, ...kept] })
    return true
  }

  for (const node of from.nodes) {
    const { name } = node.operator
    const kind = rectifies(node)
    const maker = kind ? soleMaker(node.inputs[0], kind === RECTIFY.relu ? withRelu : withRelu6) : undefined
    const sum = name === 'ConvSampleSquares' ? takeSum(node) : undefined
    if (maker) put(endWithRelu(maker, node.outputs[0], kind), place.get(maker)!)
    else if (sum) put({ ...node, outputs: [...node.outputs, ...sum.outputs] }, place.get(sum)!)
    else if (name === 'Add' && addResidual(node)) continue
    else if (name === 'BatchNormTrainGrad' && takeMask(node)) continue
    else {
      put(node)
      if (name === 'ConvWeightGrad') weightGrads.add(node)
    }
  }
  const graph = new Graph(from)
  graph.nodes.splice(0, graph.nodes.length, ...nodes.filter((node) => node !== undefined))
  return graph
}

const add = new Set(['Add'])
const reluGrad = new Set(['ReluGrad'])
const withResidual = new Set(['BatchNormTrain', 'BatchNormalization', 'SparseConv'])

const sameLayout = (x: Tensor, y: Tensor) => sameShape(x.shape, y.shape) && x.batched === y.batched

/** Whether a node, before any ReLU, can take over the sum that reads it. */
function canAdd(maker: Node, { inputs: [x, y] }: Node): boolean {
  if (maker.attributes.relu || maker.attributes.residual === 1 || x === y) return false
  return sameLayout(x, y)
}

/** Of two in a row that which leaves less is what both do. */
function endWithRelu(node: Node, output: Tensor, kind: number): Node {
  const outputs = [output, ...node.outputs.slice(1)]
  if (node.operator === Add) return { ...node, operator: AddRelu, outputs }
  return {
    ...node,
    outputs,
    attributes: { ...node.attributes, relu: Math.max(kind, Number(node.attributes.relu ?? 0)) },
  }
}
