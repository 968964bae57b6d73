/** @file Which weights of an ONNX model can be whole numbers: where they are stored, and what reads them. */
import type { NodeProto } from 'onnx-buf'
import type { OnnxFile } from '../formats/onnx/file.ts'
import type { OnnxNetwork } from '../formats/onnx/network.ts'
import { readsAll } from '../formats/onnx/network-weights.ts'
import { Operation } from '../formats/onnx/operation.ts'
import type { Origin } from '../formats/onnx/scope.ts'

/** A weight as the file stores it. */
export interface WeightPlace {
  /** Its name in the network. */
  name: string
  key: string
  /** Whether it is stored with rows and columns exchanged. */
  transposed: boolean
  /** Of the stored tensor: that over the outputs. */
  axis: number
  nodes: readonly NodeProto[]
}

export interface WeightPlaces {
  places: WeightPlace[]
  /** Weights that stay floats, each with the reason. */
  left: { name: string; reason: string }[]
}

/** Of the named weights, in their order. */
export function weightPlaces(
  file: OnnxFile,
  { origins }: Pick<OnnxNetwork, 'origins'>,
  names: readonly string[],
): WeightPlaces {
  const found: WeightPlaces = { places: [], left: [] }
  const keys = new Map<string, number>()
  for (const { source } of origins.values()) if (source) keys.set(source.key, (keys.get(source.key) ?? 0) + 1)
  for (const name of names) {
    const origin = origins.get(name)!
    const reason = whyNot(file, origin, keys)
    if (reason !== undefined) {
      found.left.push({ name, reason })
      continue
    }
    const { key, transposed } = origin.source!
    const nodes = origin.roots.map(({ node }) => node)
    found.places.push({ name, key, transposed, axis: outputAxis(nodes[0], file), nodes })
  }
  return found
}

function whyNot(file: OnnxFile, origin: Origin, keys: ReadonlyMap<string, number>): string | undefined {
  const { source, roots, reads } = origin
  if (!source) return 'it is computed from what is stored'
  if (origin.type !== 'F32') return `it is stored as ${origin.type}, expected float32`
  if (keys.get(source.key)! > 1 || !readsAll(file, origin)) return 'something else reads what is stored, too'
  const other = roots.find(
    ({ node, input }) => !(node.opType in OUTPUTS && input === 1 && file.graph.node.includes(node)),
  )
  if (other) return `${other.node.name || other.node.output[0]} (${other.node.opType}) reads it`
  if (roots.some(({ node }) => node.opType === 'Gemm' && !isPlain(new Operation(node, file.opset))))
    return 'its Gemm has factors, or reads its input transposed'
  if (roots.length !== reads.length) return 'it is computed from what is stored'
  if (new Set(roots.map(({ node }) => outputAxis(node, file))).size > 1)
    return 'its layers have their outputs along different axes'
  return undefined
}

const isPlain = (gemm: Operation): boolean =>
  gemm.float('alpha', 1) === 1 && gemm.float('beta', 1) === 1 && gemm.integer('transA', 0) === 0

/** The axis of a layer's weight that runs over its outputs. */
const OUTPUTS: Record<string, (layer: Operation, rank: number) => number> = {
  Conv: () => 0,
  Gemm: (layer) => 1 - layer.integer('transB', 0),
  MatMul: (_, rank) => rank - 1,
}

const outputAxis = (node: NodeProto, file: OnnxFile): number =>
  OUTPUTS[node.opType](new Operation(node, file.opset), file.stored.get(node.input[1])!().shape.length)
