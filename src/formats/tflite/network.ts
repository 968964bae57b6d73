/**
 * @file The network that a TensorFlow Lite file is made of: all that an ONNX model computes of so many
 * samples, batch normalizations folded, and nothing that would only copy.
 */
import { foldBatchNorm, type Values } from '../../graph/fold-batch-norm.ts'
import { Graph } from '../../graph/graph.ts'
import { simplify } from '../../graph/simplify.ts'
import { sameShape, type Tensor } from '../../graph/tensor.ts'
import { UserError } from '../../util/errors.ts'
import type { OnnxFile } from '../onnx/file.ts'
import { type ImportOptions, imageInput } from '../onnx/input.ts'
import { Operation } from '../onnx/operation.ts'
import { Unsupported } from '../onnx/scope.ts'
import { wholeNetwork } from '../onnx/whole-network.ts'
import { withRoundings } from './grids.ts'
import { knownNumbers } from './known.ts'
import { withActivations } from './patterns.ts'
import { type WeightGrid, weightGrids } from './weight-grids.ts'

export interface Network {
  graph: Graph
  values: Values
  /** The input of images [N, C, H, W], whose channels come last in the file, as those of outputs do. */
  images?: string
  /** Inputs of whole numbers. */
  integers: ReadonlySet<string>
  /** Of weights that are stored as bytes, by name. */
  weightGrids: ReadonlyMap<string, WeightGrid>
  /** What computed a tensor, as messages call it. */
  label(tensor: Tensor): string
}

/**
 * All outputs, or the one that `reading` says. Throws UserError where the model does not run here, or an
 * output of it does not.
 */
export function networkOf(file: OnnxFile, reading: ImportOptions, batch: number): Network {
  const { graph, values, integers, madeBy, origins, lacking } = wholeNetwork(file, reading, batch, true)
  const missing = lacking.find(({ output }) => [output, undefined].includes(reading.output))
  if (missing) throw new UserError(missing.reason)
  const makers = new Map([...madeBy].flatMap(([{ outputs }, proto]) => outputs.map((output) => [output, proto])))
  if (reading.output !== undefined)
    for (const name of [...graph.outputs.keys()]) if (name !== reading.output) graph.outputs.delete(name)
  const folded = foldBatchNorm(graph, values)
  const plain = simplify(withoutCopies(folded.graph))
  const known = knownNumbers(plain, folded.values)
  const input = imageInput(file, reading)
  const isMap = !(input instanceof Unsupported) && input.sample.length === 3 && input.layout === 'NCHW'
  return {
    graph: withRoundings(withActivations(plain, known), known),
    values: folded.values,
    integers,
    weightGrids: weightGrids(file, origins),
    ...(isMap && { images: input.name }),
    label: (tensor) => {
      const proto = makers.get(tensor)
      return proto ? new Operation(proto, file.opset).label : `node ${tensor.name}`
    },
  }
}

const COPIES = ['Reshape', 'Flatten', 'Expand']

/** Readers of what only changes how samples lie, or nothing, read what that reads. */
function withoutCopies(from: Graph): Graph {
  const same = new Map<Tensor, Tensor>()
  const current = (tensor: Tensor) => same.get(tensor) ?? tensor
  const graph = new Graph(from)
  graph.nodes.length = 0
  for (const node of from.nodes) {
    const inputs = node.inputs.map(current)
    const [output] = node.outputs
    if (COPIES.includes(node.operator.name) && sameShape(inputs[0].shape, output.shape)) same.set(output, inputs[0])
    else graph.nodes.push({ ...node, inputs })
  }
  for (const [name, tensor] of graph.outputs) graph.outputs.set(name, current(tensor))
  return graph
}
