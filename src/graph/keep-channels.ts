/**
 * @file A graph with some of its channels left out: its nodes on smaller parameters. A constant that a layer
 * loses goes into its bias. Names stay.
 */
import { channelAxis, channelKind } from './channel-kind.ts'
import { isChannelwise, weightLinks } from './channels.ts'
import type { Constants } from './constant-channels.ts'
import type { Values } from './fold-batch-norm.ts'
import { Graph } from './graph.ts'
import { type Attributes, attribute, type Node } from './operator.ts'
import { convOptions } from './operators/conv.ts'
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

export function keepChannels(from: Graph, given: Values, kept: Kept, constants: Constants): Smaller {
  const data = new Set(kept.keys())
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
      const cuts = data.has(outputs[0]) ? operandCuts(node, i, data, kept) : new Map()
      const shape = tensor.shape.map((n, axis) => cuts.get(axis)?.length ?? n)
      const list = given.get(tensor.name)
      const own = typeof tensor.values === 'object' ? { values: [...cut(tensor.values, tensor.shape, cuts)] } : {}
      add(tensor, { ...tensor, ...own, shape }, list && cut(list, tensor.shape, cuts))
    })
    const operands = inputs.map((tensor) => replaced.get(tensor)!)
    const made = { ...node, inputs: operands, attributes: attributesOf(node, data, kept) }
    const offset = lostConstants(node, data, { given, kept, constants })
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
function operandCuts(node: Node, operand: number, data: ReadonlySet<Tensor>, kept: Kept): Cuts {
  const { operator, inputs, outputs, attributes } = node
  const [ins, outs] = [kept.get(inputs[0])!, kept.get(outputs[0])!]
  const kind = channelKind(node, data)
  if (kind === 'mixed') return new Map()
  if (operator.name === 'BatchNormalization' || (kind === 'layer' && operand === 2)) return new Map([[0, outs]])
  if (kind === 'tied') {
    const axis = channelAxis(inputs[operand], outputs[0])
    return axis === undefined ? new Map() : new Map([[axis, outs]])
  }
  if (operator.name === 'Conv' && convOptions('Conv', attributes).group > 1) return new Map([[0, outs]])
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

function attributesOf(node: Node, data: ReadonlySet<Tensor>, kept: Kept): Attributes {
  const { operator, inputs, outputs, attributes } = node
  const [ins, outs] = [kept.get(inputs[0]), kept.get(outputs[0])]
  if (!ins || !outs) return attributes
  if (operator.name === 'Conv' && isChannelwise(node)) return { ...attributes, group: ins.length }
  if (channelKind(node, data) !== 'tied' || !('shape' in attributes)) return attributes
  const replace = (name: string, by: number) =>
    attribute<Shape>(attributes, name, []).map((n, axis) => (axis === 1 ? by : n))
  const shape = replace('shape', outs.length)
  if (!('starts' in attributes)) return { ...attributes, shape }
  // A Slice begins at a channel of its input, a Place at one of its output.
  const [, start] = attribute<Shape>(attributes, 'starts', [])
  const before = (operator.name === 'Slice' ? ins : outs).filter((channel) => channel < start).length
  return { ...attributes, shape, starts: replace('starts', before) }
}

interface Found {
  given: Values
  kept: Kept
  constants: Constants
}

/** What a layer's kept outputs get from inputs that it loses; undefined: nothing. */
function lostConstants(node: Node, data: ReadonlySet<Tensor>, found: Found): Float64Array | undefined {
  if (channelKind(node, data) !== 'layer') return undefined
  const { inputs, outputs } = node
  const [stays, values] = [new Set(found.kept.get(inputs[0])), found.constants.get(inputs[0])!]
  const weights = found.given.get(inputs[1].name)!
  const sums = new Float64Array(outputs[0].shape[1])
  weightLinks(node, (from, to, index) => {
    // An input that varies is only lost where nothing needs the output.
    if (!stays.has(from) && !Number.isNaN(values[from])) sums[to] += weights[index] * values[from]
  })
  const kept = Float64Array.from(found.kept.get(outputs[0])!, (channel) => sums[channel])
  return kept.some((sum) => sum !== 0) ? kept : undefined
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
