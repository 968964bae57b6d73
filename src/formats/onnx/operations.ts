/**
 * @file The nodes of a file as operations: a product with its bias, written as MatMul and Add, is one, and
 * constants that are stored tensors are none.
 */
import { NodeProtoSchema } from 'onnx-buf'
import { namesRead } from './bodies.ts'
import { changed } from './changed.ts'
import type { OnnxFile } from './file.ts'
import { Operation } from './operation.ts'

export function operationsOf({ graph, opset, stored }: OnnxFile): Operation[] {
  const readers = new Map<string, number>()
  for (const node of graph.node) for (const name of namesRead(node)) readers.set(name, (readers.get(name) ?? 0) + 1)
  const outputs = new Set(graph.output.map(({ name }) => name))
  const products = new Map<string, number>()
  const operations: (Operation | undefined)[] = []
  for (const node of graph.node) {
    if (node.opType === 'Constant' && stored.has(node.output[0])) continue
    operations.push(new Operation(node, opset))
    const [a, b] = node.input
    if (node.opType === 'MatMul' && readers.get(node.output[0]) === 1 && !outputs.has(node.output[0]))
      products.set(node.output[0], operations.length - 1)
    if (node.opType !== 'Add') continue
    const [product, bias] = products.has(a) ? [a, b] : [b, a]
    const at = products.get(product)
    if (at === undefined || !stored.has(bias) || stored.get(bias)!().shape.filter((n) => n > 1).length > 1) continue
    const { slots } = operations[at]!
    const [{ node: matmul }] = slots
    const merged = changed(NodeProtoSchema, matmul, { input: [...matmul.input, bias], output: node.output })
    operations[at] = undefined
    operations[operations.length - 1] = new Operation(merged, opset, [...slots, { node, input: bias === b ? 1 : 0 }])
  }
  return operations.filter((operation) => operation !== undefined)
}
