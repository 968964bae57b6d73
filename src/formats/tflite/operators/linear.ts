/** @file Matrix products: of stored weights (linear layers) and of two computed operands. */
import type { Node } from '../../../graph/operator.ts'
import { transposes } from '../../../graph/operators/linear.ts'
import { asIs, type Order, reordered, shapeIn } from '../order.ts'
import type { Flattened, Translation, Write } from '../translation.ts'
import { biasOf } from './convolutions.ts'
import { asFlattened, storedBytes, wholeLayer } from './whole.ts'

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
  const order = transB ? [0, 1] : [1, 0]
  const flat = transA ? undefined : to.flattened.get(a)
  const whole = transA ? undefined : wholeLayer(node, to, order, 1 - transB, flat)
  if (whole) {
    const { index } = flat ?? to.lying(a, [0, 1])
    return to.outputCodes(whole.rounded, [0, 1], 'FULLY_CONNECTED', [index, ...whole.inputs], {}, 4)
  }
  const input = flat ? to.floatsOf(flat, a) : to.input(a, transA ? [1, 0] : [0, 1])
  const weights = storedBytes(node, to, order, flat) ?? matrix(node, to, order, flat)
  to.output(y, [0, 1], 'FULLY_CONNECTED', [input, weights, biasOf(node, to, y.shape[1], bias)])
}

/** The weights [outputs, inputs] of a linear layer, its columns in the order in which its inputs lie. */
function matrix(node: Node, to: Translation, order: Order, flat: Flattened | undefined) {
  const [, { name, shape }] = node.inputs
  const values = reordered(to.valuesOf(node.inputs[1], node, 'weight'), shape, order)
  return to.store(name, shapeIn(shape, order), flat ? asFlattened(values, shape[order[0]], flat) : values)
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
