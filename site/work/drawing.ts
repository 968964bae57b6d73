/** @file A network as boxes and lines: a row for each step from the inputs to the outputs. */
import type { NodeProto } from 'onnx-buf'
import { UserError } from '../../src/util/errors.ts'
import { modelFile, type Opened } from './opened.ts'

export interface Box {
  /** The operator. */
  operator: string
  /** The tensors to prune that it multiplies with. */
  tensors: string[]
  row: number
  /** Its place in the row, and how many are there. */
  place: number
  of: number
}

export interface Drawing {
  boxes: Box[]
  /** Pairs of boxes: from, to. */
  lines: [number, number][]
  rows: number
}

/** More boxes than that are no drawing. */
const MOST = 1500

/** Undefined where there is no network to draw, or too large a one. */
export function drawingOf(opened: Opened): Drawing | undefined {
  const file = modelFile(opened)
  if (!file || file.graph.node.length > MOST) return undefined
  const nodes = file.graph.node.filter(({ opType }) => opType !== 'Constant')
  const tensorsOf = readers(opened)
  const makers = new Map(nodes.flatMap((node, i) => node.output.map((name) => [name, i] as const)))
  const lines: [number, number][] = []
  const rows: number[] = []
  for (const [i, node] of nodes.entries()) {
    const from = [...new Set(node.input.flatMap((name) => makers.get(name) ?? []))].filter((j) => j < i)
    for (const j of from) lines.push([j, i])
    rows[i] = Math.max(-1, ...from.map((j) => rows[j])) + 1
  }
  const used = new Set(lines.flat())
  // What is computed of constants alone stands above all others.
  const shown = nodes.map((_, i) => i).filter((i) => used.has(i) || nodes.length === 1)
  const places = inRows(shown, rows, lines)
  const number = new Map(shown.map((i, at) => [i, at]))
  const boxes = shown.map((i) => ({ operator: nodes[i].opType, tensors: tensorsOf(nodes[i]), ...places.get(i)! }))
  return {
    boxes,
    lines: lines.map(([from, to]) => [number.get(from)!, number.get(to)!]),
    rows: 1 + Math.max(0, ...boxes.map(({ row }) => row)),
  }
}

/** Finds the tensors to prune that a node reads. */
function readers({ onnx, tensors }: Opened): (node: NodeProto) => string[] {
  const names = new Set(tensors.map(({ name }) => name))
  const network = onnx?.network
  const byNode = new Map<NodeProto, string[]>()
  if (network && !(network instanceof UserError))
    for (const [name, { reads }] of network.origins)
      if (names.has(name)) for (const { slot } of reads) byNode.set(slot.node, [...(byNode.get(slot.node) ?? []), name])
  return (node) => byNode.get(node) ?? node.input.filter((name) => names.has(name))
}

/** Places within rows: each box near the middle of those that it reads. */
function inRows(shown: readonly number[], rows: readonly number[], lines: readonly [number, number][]) {
  const above = new Map<number, number[]>()
  for (const [from, to] of lines) above.set(to, [...(above.get(to) ?? []), from])
  const members: number[][] = []
  for (const i of shown) members[rows[i]] = [...(members[rows[i]] ?? []), i]
  const found = new Map<number, { row: number; place: number; of: number }>()
  const middle = (i: number) => {
    const places = (above.get(i) ?? []).flatMap((j) => found.get(j) ?? []).map(({ place, of }) => (place + 0.5) / of)
    return places.length === 0 ? 0.5 : places.reduce((a, b) => a + b, 0) / places.length
  }
  for (const [row, list] of members.filter((one) => one !== undefined).entries()) {
    const ordered = list.map((i) => ({ i, at: middle(i) })).sort((a, b) => a.at - b.at || a.i - b.i)
    for (const [place, { i }] of ordered.entries()) found.set(i, { row, place, of: list.length })
  }
  return found
}
