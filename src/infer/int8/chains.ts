/**
 * @file How a graph says that real numbers stand for bytes: QuantizeLinear and DequantizeLinear of ONNX as
 * the operators of floats that they become.
 *
 *     q = clip(round(x / scale) + zero, least, most)        r = (q - zero) scale
 */
import type { Graph } from '../../graph/graph.ts'
import type { Node } from '../../graph/operator.ts'
import type { Tensor } from '../../graph/tensor.ts'

/**
 * The real numbers that bytes from 0 to 255 stand for: (q - zero) scale. Of signed bytes, 128 is added to
 * bytes and zero point.
 */
export interface Grid {
  scale: number
  zero: number
}

export const sameGrid = (a: Grid, b: Grid): boolean => a.scale === b.scale && a.zero === b.zero

/** Real numbers that become bytes: `x` does, and `q` holds them as floats. */
export interface Quantization {
  grid: Grid
  x: Tensor
  q: Tensor
}

/** Who makes and who reads every tensor of a graph. */
export class Links {
  readonly #makers = new Map<Tensor, Node>()
  readonly #readers = new Map<Tensor, Node[]>()
  readonly #outputs: ReadonlySet<Tensor>

  constructor(graph: Graph) {
    this.#outputs = new Set(graph.outputs.values())
    for (const node of graph.nodes) {
      for (const output of node.outputs) this.#makers.set(output, node)
      for (const input of new Set(node.inputs)) {
        const known = this.#readers.get(input)
        if (known) known.push(node)
        else this.#readers.set(input, [node])
      }
    }
  }

  /** The node that made a tensor, if it has that name. */
  made(tensor: Tensor, name: string): Node | undefined {
    const maker = this.#makers.get(tensor)
    return maker?.operator.name === name ? maker : undefined
  }

  /** The node that makes what one other alone reads. */
  soleMaker(tensor: Tensor): Node | undefined {
    const alone = this.#readers.get(tensor)?.length === 1 && !this.#outputs.has(tensor)
    return alone ? this.#makers.get(tensor) : undefined
  }
}

/** A constant's one value, in single precision. */
export function scalarOf({ role, values, shape }: Tensor): number | undefined {
  if (role !== 'constant' || shape.some((n) => n !== 1)) return undefined
  return Math.fround(typeof values === 'number' ? values : (values?.[0] ?? Number.NaN))
}

/** x op constant, where the node that made a tensor is that. */
function withScalar(tensor: Tensor, name: string, links: Links): { x: Tensor; by: number } | undefined {
  const node = links.made(tensor, name)
  const by = node && scalarOf(node.inputs[1])
  return by === undefined ? undefined : { x: node!.inputs[0], by }
}

/** What signed and unsigned bytes are kept within, and what is added to them. */
const TYPES = [
  { low: 0, high: 255, shift: 0 },
  { low: -128, high: 127, shift: 128 },
]

/** What is added to the bytes of a tensor of floats that hold them, if a node clips them to such. */
function shiftOf(q: Tensor, links: Links): number | undefined {
  const [, low, high] = links.made(q, 'Clip')?.inputs ?? []
  return low && TYPES.find((type) => type.low === scalarOf(low) && type.high === scalarOf(high))?.shift
}

const isByte = (zero: number) => Number.isInteger(zero) && zero >= 0 && zero <= 255

/** The quantization that a node ends, if it does. */
export function quantizationOf(clip: Node, links: Links): Quantization | undefined {
  const [q] = clip.outputs
  const shift = shiftOf(q, links)
  if (shift === undefined || !q.batched || q.shape.length < 2) return undefined
  const added = withScalar(clip.inputs[0], 'Add', links)
  const round = links.made(added?.x ?? clip.inputs[0], 'Round')
  const divided = round && withScalar(round.inputs[0], 'Div', links)
  const zero = (added?.by ?? 0) + shift
  if (!divided || !(divided.by > 0 && divided.by < Infinity) || !isByte(zero)) return undefined
  return { grid: { scale: divided.by, zero }, x: divided.x, q }
}

/** What a node dequantizes: a tensor that holds bytes as floats, and what these stand for. */
export function dequantizationOf(mul: Node, links: Links): { q: Tensor; grid: Grid } | undefined {
  const scale = mul.operator.name === 'Mul' ? scalarOf(mul.inputs[1]) : undefined
  if (scale === undefined || !(scale > 0 && scale < Infinity)) return undefined
  const shifted = withScalar(mul.inputs[0], 'Sub', links)
  const q = shifted?.x ?? mul.inputs[0]
  const shift = shiftOf(q, links)
  const zero = (shifted?.by ?? 0) + (shift ?? Number.NaN)
  return isByte(zero) ? { q, grid: { scale, zero } } : undefined
}
