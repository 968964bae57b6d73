/**
 * @file The memory plan of one program: values that are never needed at the same time share memory.
 */
import type { Graph } from '../graph/graph.ts'
import type { Node } from '../graph/operator.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import type { Lowering } from './lowering.ts'

/** Floats between the starts of tensors are multiples of this: a cache line. */
const ALIGNMENT = 16

/** Floats that a tensor occupies. */
export function floatsOf(tensor: Tensor): number {
  const floats = tensor.bytes ? Math.ceil(sizeOf(tensor.shape) / 4) : sizeOf(tensor.shape)
  return Math.ceil(floats / ALIGNMENT) * ALIGNMENT
}

/** Memory of one or several values (an alias, an in-place result) and when it is needed, in nodes. */
interface Block {
  size: number
  from: number
  to: number
  offset: number
}

export interface Plan {
  /** Offsets of values, from the start of the region for temporaries. */
  offsets: Map<Tensor, number>
  /** Floats of that region. */
  size: number
  /** Tensors that are another (persistent) tensor under a new shape. */
  aliases: Map<Tensor, Tensor>
}

/**
 * Places every `value` of a simplified graph, except outputs (which are persistent): greedily by size
 * (Pisarchyk & Lee 2020), each block at the lowest offset that is free during its life.
 */
export function planMemory(graph: Graph, lowerings: (node: Node) => Lowering): Plan {
  const lastUse = new Map<Tensor, number>()
  graph.nodes.forEach((node, i) => {
    for (const input of node.inputs) lastUse.set(input, i)
  })
  const persistent = new Set(graph.outputs.values())
  const blockOf = new Map<Tensor, Block>()
  const aliases = new Map<Tensor, Tensor>()
  const blocks: Block[] = []

  graph.nodes.forEach((node, i) => {
    const lowering = lowerings(node)
    const taken = new Set<Block>()
    for (const [o, output] of node.outputs.entries()) {
      if (persistent.has(output)) continue
      const end = lastUse.get(output) ?? i
      const size = floatsOf(output)
      const inPlace = (o === 0 ? lowering.inPlace?.(node) : lowering.laterInPlace?.(node)[o]) ?? []
      const alias = o === 0 && lowering.aliases?.(node)
      const source = alias ? { kind: 'alias', tensor: node.inputs[0] } : sharedWith(node, i, inPlace, size, taken)
      if (source?.kind === 'alias' && !blockOf.has(source.tensor)) {
        aliases.set(output, aliases.get(source.tensor) ?? source.tensor)
      } else if (source) {
        const block = blockOf.get(source.tensor)!
        block.to = Math.max(block.to, end)
        taken.add(block)
        blockOf.set(output, block)
      } else {
        const block = { size, from: i, to: end, offset: 0 }
        blocks.push(block)
        blockOf.set(output, block)
      }
    }
  })

  /** The first of some inputs whose memory ends with node i, and is neither another input's nor taken yet. */
  function sharedWith(node: Node, i: number, inPlace: number[], size: number, taken: ReadonlySet<Block>) {
    for (const index of inPlace) {
      const input = node.inputs[index]
      if (!input) continue
      const block = blockOf.get(input)
      const dies = block?.to === i && block.size === size && !taken.has(block)
      // Another operand over the same memory (a reshape of this one) could be read after it was overwritten.
      const alone = node.inputs.every((other) => other === input || blockOf.get(other) !== block)
      if (dies && alone) return { kind: 'in place', tensor: input }
    }
    return undefined
  }

  const size = place(blocks)
  const offsets = new Map([...blockOf].map(([tensor, block]) => [tensor, block.offset]))
  return { offsets, size, aliases }
}

/** Gives every block an offset; returns the size of the region. */
function place(blocks: Block[]): number {
  const placed: Block[] = []
  let region = 0
  for (const block of [...blocks].sort((a, b) => b.size - a.size)) {
    const neighbours = placed.filter((other) => other.from <= block.to && block.from <= other.to)
    neighbours.sort((a, b) => a.offset - b.offset)
    let offset = 0
    for (const other of neighbours) {
      if (offset + block.size <= other.offset) break
      offset = Math.max(offset, other.offset + other.size)
    }
    block.offset = offset
    placed.push(block)
    region = Math.max(region, offset + block.size)
  }
  return region
}
