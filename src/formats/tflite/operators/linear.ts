/** @file Matrix products: of stored weights (linear layers) and of two computed operands. */
import type { Node } from '../../../graph/operator.ts'
import { transposes } from '../../../graph/operators/linear.ts'
import type { Tensor } from '../../../graph/tensor.ts'
import { asIs, reordered } from '../order.ts'
import type { Translation, Write } from '../translation.ts'
import { biasOf } from './convolutions.ts'

const linear: Write = (node, to) => {
  const {
    inputs: [a, b, bias],
    outputs: [y],
    attributes,
  } = node
  const { transA, transB } = transposes(attributes)
  if (to.known.get(b) === undefined || to.known.get(a) !== undefined) {
    if (bias) to.refuse(node, 'adds a bias to a product of two computed matrices, which is not supported')
    return product(node, to, { adj_x: transA === 1, adj_y: transB === 1 })
  }
  const flat = transA ? undefined : to.flattened.get(a)
  const input = flat?.index ?? to.input(a, transA ? [1, 0] : [0, 1])
  const weights = to.store(b.name, [y.shape[1], matrixRows(b, transB)], matrix(node, to, transB, flat))
  to.output(y, [0, 1], 'FULLY_CONNECTED', [input, weights, biasOf(node, to, y.shape[1], bias)])
}

const matrixRows = ({ shape }: Tensor, transB: number) => (transB ? shape[1] : shape[0])

/** The weights [outputs, inputs] of a linear layer, its columns in the order in which its inputs lie. */
function matrix(node: Node, to: Translation, transB: number, flat: ReturnType<Translation['flattened']['get']>) {
  const [, b] = node.inputs
  const values = reordered(to.valuesOf(b, node, 'weight'), b.shape, transB ? [0, 1] : [1, 0])
  if (!flat) return values
  const outputs = transB ? b.shape[0] : b.shape[1]
  const [, ...sizes] = flat.map.shape
  return reordered(values, [outputs, ...sizes], flat.order)
}

const product = (node: Node, to: Translation, options: { adj_x: boolean; adj_y: boolean }) => {
  const { inputs, outputs } = node
  const operands = inputs.slice(0, 2).map((input) => to.input(input))
  to.output(outputs[0], asIs(outputs[0].shape.length), 'BATCH_MATMUL', operands, options)
}

const batchProduct: Write = (node, to) => {
  const { transA, transB } = transposes(node.attributes)
  product(node, to, { adj_x: transA === 1, adj_y: transB === 1 })
}

export const products: Record<string, Write> = { Gemm: linear, MatMul: linear, BatchMatMul: batchProduct }
