/**
 * @file Fusion: neighbours that one kernel can do at once. Done after differentiation, so no gradient rule
 * knows of it.
 */
import { Graph } from '../graph/graph.ts'
import type { Node } from '../graph/operator.ts'
import { Add } from '../graph/operators/elementwise.ts'
import { sameShape, type Tensor } from '../graph/tensor.ts'

/** Operators whose kernels can end with a ReLU. */
const withRelu = new Set(['Gemm', 'MatMul', 'Conv', 'SparseConv', 'BatchNormalization', 'BatchNormTrain', 'Add'])

/** max(a + b, 0). */
const AddRelu = { ...Add, name: 'AddRelu' }

/**
 * - A node whose kernel can end with a ReLU, and whose only reader is one, takes it over (attribute `relu`,
 *   or AddRelu).
 * - A sparse convolution that only a sum reads adds the other summand itself (attribute `residual`, the last
 *   input).
 * - A ReLU's gradient that only a batch normalization's gradient reads becomes a mask of the latter (a sixth
 *   input).
 * - Where the gradient of a convolution's weight is asked for and also the sum of the squares of its samples'
 *   gradients, the latter's node computes both, in the former's place: the gradient, sum over samples,
 *   becomes its second output.
 */
export function fuse(from: Graph): Graph {
  const readers = new Map<Tensor, number>()
  for (const node of from.nodes) for (const input of node.inputs) readers.set(input, (readers.get(input) ?? 0) + 1)
  const outputs = new Set(from.outputs.values())
  const makers = new Map<Tensor, Node>()
  const nodes: (Node | undefined)[] = []
  const place = new Map<Node, number>()
  const weightGrads = new Set<Node>()

  /** The node that made a tensor, if nothing else needs that tensor. */
  const soleMaker = (tensor: Tensor, names: ReadonlySet<string>): Node | undefined => {
    const maker = makers.get(tensor)
    const alone = readers.get(tensor) === 1 && !outputs.has(tensor)
    return maker && alone && names.has(maker.operator.name) && maker.outputs[0] === tensor ? maker : undefined
  }
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

  for (const node of from.nodes) {
    const { name } = node.operator
    const maker = name === 'Relu' ? soleMaker(node.inputs[0], withRelu) : undefined
    const sum = name === 'ConvSampleSquares' ? takeSum(node) : undefined
    const masked = name === 'BatchNormTrainGrad' ? soleMaker(node.inputs[0], reluGrad) : undefined
    const summand = name === 'Add' ? node.inputs.findIndex((input) => canAdd(soleMaker(input, sparse), node)) : -1
    const added = summand < 0 ? undefined : soleMaker(node.inputs[summand], sparse)
    if (maker) put(endWithRelu(maker, node.outputs[0]), place.get(maker)!)
    else if (added) {
      nodes[place.get(added)!] = undefined
      const { outputs } = node
      put({
        ...added,
        inputs: [...added.inputs, node.inputs[1 - summand]],
        outputs,
        attributes: { ...added.attributes, residual: 1 },
      })
    } else if (sum) put({ ...node, outputs: [...node.outputs, ...sum.outputs] }, place.get(sum)!)
    else if (masked) {
      nodes[place.get(masked)!] = undefined
      put({ ...node, inputs: [masked.inputs[0], ...node.inputs.slice(1), masked.inputs[1]] })
    } else {
      put(node)
      if (name === 'ConvWeightGrad') weightGrads.add(node)
    }
  }
  const graph = new Graph(from)
  graph.nodes.splice(0, graph.nodes.length, ...nodes.filter((node) => node !== undefined))
  return graph
}

const reluGrad = new Set(['ReluGrad'])
const sparse = new Set(['SparseConv'])

/** Whether a sparse convolution, before any ReLU, can take over the sum that reads it. */
function canAdd(maker: Node | undefined, { inputs: [x, y] }: Node): boolean {
  if (!maker || maker.attributes.relu === 1 || maker.attributes.residual === 1 || x === y) return false
  return sameShape(x.shape, y.shape) && x.batched === y.batched
}

function endWithRelu(node: Node, output: Tensor): Node {
  const outputs = [output, ...node.outputs.slice(1)]
  if (node.operator === Add) return { ...node, operator: AddRelu, outputs }
  return { ...node, outputs, attributes: { ...node.attributes, relu: 1 } }
}
