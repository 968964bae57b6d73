/**
 * @file A graph with some of its channels left out: its nodes on smaller parameters. A constant that a layer
 * loses goes into its bias. Names stay.
 */
import type { Axes } from './channel-axes.ts'
import { channelAxis, channelKind } from './channel-kind.ts'
import { groupsOf, weightLinks } from './channels.ts'
import type { Constants } from './constant-channels.ts'
import type { Values } from './fold-batch-norm.ts'
import { Graph } from './graph.ts'
import { type Attributes, attribute, type Node } from './operator.ts'
import { Gemm, transposes } from './operators/linear.ts'
import { dropDeadNodes } from './simplify.ts'
import { type Shape, sizeOf, type Tensor } from './tensor.ts'

/**
 * For every tensor that depends on the input, the channels that stay, in order. Tied channels must stay or go
 * together.
 */
export type Kept = ReadonlyMap<Tensor, readonly number[]>

/** Channels to keep, by axis. */
type Cuts = ReadonlyMap<number, readonly number[]>

export interface Smaller {
  graph: Graph
  /** The values that go with the graph. */
  values: Values
}

/** What is known of the channels of the graph: where they are, which stay, which are constant. */
export interface Found {
  axes: Axes
  kept: Kept
  constants: Constants
}

export function keepChannels(from: Graph, given: Values, found: Found): Smaller {
  const graph = new Graph()
  const values: Values = new Map()
  const replaced = new Map<Tensor, Tensor>()
  const add = (tensor: Tensor, by: Tensor, list?: Float32Array | Float64Array) => {
    graph.tensors.set(by.name, by)
    replaced.set(tensor, by)
    if (list) values.set(by.name, list)
  }
  for (const input of from.withRole('input')) add(input, input)
  for (const node of from.nodes) {
    const { operator, inputs, outputs } = node
    inputs.forEach((tensor, i) => {
      if (replaced.has(tensor)) return
      const cuts = found.axes.has(outputs[0]) ? operandCuts(node, i, found) : new Map()
      const shape = tensor.shape.map((n, axis) => cuts.get(axis)?.length ?? n)
      const list = given.get(tensor.name)
      const own = typeof tensor.values === 'object' ? { values: [...cut(tensor.values, tensor.shape, cuts)] } : {}
      add(tensor, { ...tensor, ...own, shape }, list && cut(list, tensor.shape, cuts))
    })
    const operands = inputs.map((tensor) => replaced.get(tensor)!)
    const made = { ...node, inputs: operands, attributes: attributesOf(node, found) }
    const offset = lostConstants(node, given, found)
    if (offset) {
      const isTaken = (name: string) => from.tensors.has(name) || graph.tensors.has(name)
      const bias = withOffset(made, offset, values, isTaken)
      made.inputs = [...operands.slice(0, 2), bias]
      graph.tensors.set(bias.name, bias)
      if (operator.name === 'MatMul') made.operator = Gemm
    }
    const types = made.operator.infer(made.inputs, made.attributes)
    outputs.forEach((tensor, i) => {
      add(tensor, { ...tensor, ...types[i] })
    })
    graph.nodes.push({ ...made, outputs: outputs.map((tensor) => replaced.get(tensor)!) })
  }
  for (const [name, tensor] of from.outputs) graph.outputs.set(name, replaced.get(tensor)!)
  return { graph: dropDeadNodes(graph), values }
}

/** Which parts of its stored operands a node still needs. */
function operandCuts(node: Node, operand: number, { axes, kept }: Found): Cuts {
  const { operator, inputs, outputs, attributes } = node
  const [out] = outputs
  const [ins, outs] = [kept.get(inputs[0])!, kept.get(outputs[0])!]
  const kind = channelKind(node, axes)
  if (kind === 'mixed') return new Map()
  if (operator.name === 'BatchNormalization' || (kind === 'layer' && operand === 2)) return new Map([[0, outs]])
  if (kind === 'tied') {
    const axis = channelAxis(inputs[operand], out, axes.get(out)!)
    return axis === undefined ? new Map() : new Map([[axis, outs]])
  }
  // Whole groups go.
  if (groupsOf(node) > 1) return new Map([[0, operator.name === 'Conv' ? outs : ins]])
  const [row, column] = operator.name === 'Conv' || transposes(attributes).transB ? [outs, ins] : [ins, outs]
  return new Map([
    [0, row],
    [1, column],
  ])
}

/** The values at the indices that are kept along each axis, row-major. */
function cut(list: ArrayLike<number>, shape: Shape, cuts: Cuts): Float64Array {
  const result = new Float64Array(sizeOf(shape.map((n, axis) => cuts.get(axis)?.length ?? n)))
  let next = 0
  const visit = (axis: number, at: number) => {
    const places = cuts.get(axis)
    const count = places?.length ?? shape[axis]
    if (axis === shape.length) result[next++] = list[at]
    else for (let i = 0; i < count; i++) visit(axis + 1, at * shape[axis] + (places ? places[i] : i))
  }
  visit(0, 0)
  return result
}

function attributesOf(node: Node, { axes, kept }: Found): Attributes {
  const { operator, inputs, outputs, attributes } = node
  const [[x], [out]] = [inputs, outputs]
  const [ins, outs, axis] = [kept.get(x), kept.get(out), axes.get(out)]
  if (!ins || !outs || axis === undefined) return attributes
  const replace = (name: string, by: number) => ({
    [name]: attribute<Shape>(attributes, name, []).map((n, i) => (i === axis ? by : n)),
  })
  const shape = 'shape' in attributes ? replace('shape', outs.length) : {}
  const kind = channelKind(node, axes)
  if (kind === 'layer') {
    const groups = groupsOf(node)
    const group: Attributes = groups > 1 ? { group: (groups * ins.length) / x.shape[1] } : {}
    return { ...attributes, ...shape, ...group }
  }
  if (kind === 'mixed') return attributes
  if (operator.name === 'Resample') return { ...attributes, ...keptTable(node, axis, ins, outs) }
  if (!('starts' in attributes)) return { ...attributes, ...shape }
  // A Slice begins at a channel of its input, a Place at one of its output.
  const start = attribute<Shape>(attributes, 'starts', [])[axis]
  const before = (operator.name === 'Slice' ? ins : outs).filter((channel) => channel < start).length
  return { ...attributes, ...shape, ...replace('starts', before) }
}

/** The table of a Resample that moves channels, on those that are kept. */
function keptTable({ attributes }: Node, axis: number, ins: readonly number[], outs: readonly number[]): Attributes {
  if (attribute<number>(attributes, 'axis', 0) !== axis) return {}
  const [starts, places] = ['starts', 'places'].map((name) => attribute<Shape>(attributes, name, []))
  const at = new Map(ins.map((channel, i) => [channel, i]))
  const rows = outs.map((row) => places.slice(starts[row], starts[row + 1]).map((place) => at.get(place)!))
  const ends = rows.map((_, row) => rows.slice(0, row + 1).reduce((sum, { length }) => sum + length, 0))
  return { starts: [0, ...ends], places: rows.flat(), weights: rows.flat().map(() => 1) }
}

/** What a layer's kept outputs get from inputs that it loses; undefined: nothing. */
function lostConstants(node: Node, given: Values, { axes, kept, constants }: Found): Float64Array | undefined {
  if (!axes.has(node.outputs[0]) || channelKind(node, axes) !== 'layer') return undefined
  const { inputs, outputs } = node
  const [stays, values] = [new Set(kept.get(inputs[0])), constants.get(inputs[0])!]
  const weights = given.get(inputs[1].name)!
  const sums = new Float64Array(outputs[0].shape[1])
  weightLinks(node, (from, to, index) => {
    // An input that varies is only lost where nothing needs the output.
    if (!stays.has(from) && !Number.isNaN(values[from])) sums[to] += weights[index] * values[from]
  })
  const offset = Float64Array.from(kept.get(outputs[0])!, (channel) => sums[channel])
  return offset.some((sum) => sum !== 0) ? offset : undefined
}

/** A layer's bias plus an offset, as a parameter. */
function withOffset(
  { inputs }: Node,
  offset: Float64Array,
  values: Values,
  isTaken: (name: string) => boolean,
): Tensor {
  const [, weight, bias] = inputs
  const stem = `${weight.name.replace(/\.weight$/, '')}.bias`
  let name = bias?.role === 'parameter' ? bias.name : stem
  for (let i = 1; name !== bias?.name && isTaken(name); i++) name = `${stem}.${i}`
  const old = bias?.values ?? (bias ? values.get(bias.name)! : 0)
  const list = offset.map((sum, o) => sum + (typeof old === 'number' ? old : old[o]))
  values.set(name, list)
  return { name, shape: [list.length], role: 'parameter', batched: false, initial: 0 }
}
