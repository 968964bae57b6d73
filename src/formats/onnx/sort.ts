/**
 * @file The nodes of graphs in an order in which each comes after those that it reads: the format asks for
 * it, and some writers do not keep it.
 */
import { type GraphProto, GraphProtoSchema, type ModelProto, type NodeProto } from 'onnx-buf'
import { UserError } from '../../util/errors.ts'
import { mapBodies, namesRead } from './bodies.ts'
import { changed } from './changed.ts'

/**
 * The model with the nodes of every graph in order; those that are stay as they are. Throws UserError, naming
 * a node, where nodes read one another in a circle.
 */
export const sorted = (model: ModelProto, path: string): ModelProto =>
  mapBodies(model, (body) => {
    const node = inOrder(body, path)
    return node === body.node ? body : changed(GraphProtoSchema, body, { node })
  })

/** Depth first along what each node reads, without recursion: chains are as long as graphs are. */
function inOrder({ node: nodes }: GraphProto, path: string): NodeProto[] {
  const makers = new Map(nodes.flatMap((node) => node.output.filter((name) => name !== '').map((name) => [name, node])))
  const [done, open] = [new Set<NodeProto>(), new Set<NodeProto>()]
  const frame = (node: NodeProto) => ({ node, before: [...namesRead(node)].map((name) => makers.get(name)) })
  const order: NodeProto[] = []
  for (const first of nodes) {
    const stack = done.has(first) ? [] : [frame(first)]
    while (stack.length > 0) {
      const { node, before } = stack[stack.length - 1]
      open.add(node)
      const next = before.pop()
      if (next && !done.has(next)) {
        if (open.has(next))
          throw new UserError(
            `${path} is not a valid ONNX model: node ${next.name || next.output[0]} (${next.opType}) reads what is computed from its own output`,
          )
        stack.push(frame(next))
      } else if (before.length === 0) {
        stack.pop()
        open.delete(node)
        if (!done.has(node)) order.push(node)
        done.add(node)
      }
    }
  }
  return order.every((node, i) => node === nodes[i]) ? nodes : order
}
