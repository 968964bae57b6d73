/**
 * @file Values that a network rounds to whole multiples of a scale (ONNX's QuantizeLinear and
 * DequantizeLinear behind one another), found in a graph by what they compute, and made one operator there.
 *
 *     y = scale (min(max(round(x / scale) + zero, least), most) - zero)
 */
import { Graph } from '../../graph/graph.ts'
import { attribute, type Node, type Operator } from '../../graph/operator.ts'
import { dropDeadNodes } from '../../graph/simplify.ts'
import type { Tensor } from '../../graph/tensor.ts'
import { type Numbers, oneOf } from './known.ts'

/** Numbers scale (code - zero), whose codes are -128 to 127. */
export interface Grid {
  scale: number
  zero: number
}

/** Rounds to a grid; attributes are its `scale` and `zero`. */
export const Rounding: Operator = {
  name: 'Rounding',
  infer: ([{ shape, batched }]) => [{ shape, batched }],
}

/** The grid of a Rounding node. */
export const gridOf = ({ attributes }: Node): Grid => ({
  scale: attribute<number>(attributes, 'scale', 1),
  zero: attribute<number>(attributes, 'zero', 0),
})

export const sameGrid = (a: Grid, b: Grid): boolean => a.scale === b.scale && a.zero === b.zero

/** The graph with one operator in the place of each rounding to bytes. */
export function withRoundings(from: Graph, known: ReadonlyMap<Tensor, Numbers>): Graph {
  const makers = new Map(from.nodes.map((node) => [node.outputs[0], node]))
  const graph = new Graph(from)
  graph.nodes.length = 0
  // Writers round a value for each of its readers anew.
  const made = new Map<string, Tensor>()
  const same = new Map<Tensor, Tensor>()
  const current = (tensor: Tensor) => same.get(tensor) ?? tensor
  for (const node of from.nodes) {
    const found = roundingAt(node, makers, known)
    const [y] = node.outputs
    if (!found) {
      graph.nodes.push({ ...node, inputs: node.inputs.map(current) })
      continue
    }
    const x = current(found.x)
    const key = `${x.name} ${found.grid.scale} ${found.grid.zero}`
    const first = isOnGrid(x, found.grid, graph.nodes) ? x : made.get(key)
    if (first) same.set(y, first)
    else {
      made.set(key, y)
      graph.nodes.push({ operator: Rounding, inputs: [x], outputs: [y], attributes: { ...found.grid } })
    }
  }
  for (const [name, tensor] of graph.outputs) graph.outputs.set(name, current(tensor))
  return dropDeadNodes(graph)
}

/** Operators that give values of their first input, or 0, which is on every grid. */
const MOVES = ['MaxPool', 'Relu', 'Reshape', 'Flatten', 'Transpose', 'Slice']

/** Whether values are on a grid already: rounded to it, and moved since. */
function isOnGrid(tensor: Tensor, grid: Grid, nodes: readonly Node[]): boolean {
  const maker = nodes.findLast(({ outputs }) => outputs[0] === tensor)
  if (maker?.operator === Rounding) return sameGrid(gridOf(maker), grid)
  return maker !== undefined && MOVES.includes(maker.operator.name) && isOnGrid(maker.inputs[0], grid, nodes)
}

/** What a node rounds, where it is the last one of those that do. */
function roundingAt(node: Node, makers: ReadonlyMap<Tensor, Node>, known: ReadonlyMap<Tensor, Numbers>) {
  /** The computed operand of an operator, and its number. */
  const step = (tensor: Tensor | undefined, name: string) => {
    const maker = tensor && makers.get(tensor)
    if (maker?.operator.name !== name) return undefined
    const number = maker.inputs.length > 1 ? oneOf(known.get(maker.inputs[1])) : 0
    return number === undefined ? undefined : { x: maker.inputs[0], number, maker }
  }
  const scaled = step(node.outputs[0], 'Mul')
  if (!scaled) return undefined
  const centred = step(scaled.x, 'Sub')
  const limited = step(centred?.x ?? scaled.x, 'Clip')
  const most = limited && oneOf(known.get(limited.maker.inputs[2]))
  const shifted = step(limited?.x, 'Add')
  const divided = step(step(shifted?.x ?? limited?.x, 'Round')?.x, 'Div')
  const zero = centred?.number ?? 0
  if (!limited || !divided || divided.number !== scaled.number || (shifted?.number ?? 0) !== zero) return undefined
  const least = limited.number
  if (most !== least + 255 || (least !== 0 && least !== -128) || !(scaled.number > 0)) return undefined
  // Codes from 0 to 255 are those from -128 to 127 with another zero.
  return { x: divided.x, grid: { scale: scaled.number, zero: zero - least - 128 } }
}
