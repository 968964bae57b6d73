/**
 * @file The layers of a file whose inputs can be seen without running it here: convolutions and products of
 * the main graph that read a stored weight themselves.
 */
import type { NodeProto } from 'onnx-buf'
import type { OnnxFile } from '../onnx/file.ts'
import { Operation } from '../onnx/operation.ts'
import { storedWeights } from '../onnx/weights.ts'

export interface SeenLayer {
  /** Key of the stored weight (onnx/places.ts). */
  key: string
  /** Nodes that multiply with it, all of one operator. */
  nodes: readonly NodeProto[]
}

export interface SeenLayers {
  layers: SeenLayer[]
  /** Weights that stay as they are, with the reasons. */
  left: { key: string; reason: string }[]
}

const SEEN = ['Conv', 'Gemm', 'MatMul']

/** In the order in which nodes run. */
export function seenLayers(file: OnnxFile): SeenLayers {
  const layers = new Map<string, NodeProto[]>()
  for (const node of file.graph.node) {
    const [, weight] = node.input
    if (!SEEN.includes(node.opType) || !file.stored.has(weight)) continue
    if (node.opType === 'Gemm' && new Operation(node, file.opset).integer('transA', 0) !== 0) continue
    layers.set(weight, [...(layers.get(weight) ?? []), node])
  }
  const weights = storedWeights(file).weights
  const left: SeenLayers['left'] = []
  for (const { key, parts } of weights) {
    const nodes = layers.get(key)
    const reason = !nodes
      ? 'no convolution or product of the main graph reads it as it is stored'
      : new Set(nodes.map(({ opType }) => opType)).size > 1
        ? 'several operators read it'
        : parts().length > 0
          ? 'layers read parts of it'
          : undefined
    if (reason === undefined) continue
    left.push({ key, reason })
    layers.delete(key)
  }
  const known = new Set(weights.map(({ key }) => key))
  const seen = [...layers].filter(([key]) => known.has(key))
  return { layers: seen.map(([key, nodes]) => ({ key, nodes })), left }
}
