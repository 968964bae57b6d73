/**
 * @file What nodes of a file say of channels, in numbers of their own: shapes, starts and ends, sizes of
 * parts, groups, heads. Each operator that has such numbers gets others when some channels go.
 */
import { create } from '@bufbuild/protobuf'
import { AttributeProtoSchema, AttributeProto_AttributeType as AttributeType, type NodeProto } from 'onnx-buf'
import { groupsOf } from '../../graph/channels.ts'
import type { Node } from '../../graph/operator.ts'
import type { Shape } from '../../graph/tensor.ts'
import type { StoredTensor } from '../safetensors-bytes.ts'
import type { ModelEditor } from './edit.ts'
import { Operation } from './operation.ts'

/**
 * Makes what is different about a node of the graph in the node of the file; false where it cannot say it.
 */
type Edit = (proto: NodeProto, node: Node, now: Node) => boolean

/** The axis along which a node reads fewer channels than before. */
function cutAxis({ inputs: [x] }: Node, now: Node): number | undefined {
  const axis = x.shape.findIndex((n, i) => n !== now.inputs[0].shape[i])
  return axis < 0 ? undefined : axis
}

const startOf = ({ attributes }: Node, axis: number) => (attributes.starts as Shape)[axis]

export class NodeEdits {
  readonly #editor: ModelEditor
  readonly #madeBy: ReadonlyMap<Node, NodeProto>
  readonly #after: ReadonlyMap<string, Node>

  /**
   * `madeBy`: which nodes of the file made those of the graph; `after`: the nodes of the smaller graph by
   * their first outputs.
   */
  constructor(editor: ModelEditor, madeBy: ReadonlyMap<Node, NodeProto>, after: ReadonlyMap<string, Node>) {
    this.#editor = editor
    this.#madeBy = madeBy
    this.#after = after
  }

  /** Makes the difference in some attributes of a node of the graph; false where the file cannot say it. */
  change(proto: NodeProto, node: Node, now: Node, differs: readonly string[]): boolean {
    const edit = this.#edits[proto.opType]
    return edit ? edit(proto, node, now) : differs.every((name) => name === 'shape' || name === 'starts')
  }

  /**
   * How a node of the file says what is different; of those that are not here no number says how many
   * channels.
   */
  readonly #edits: Record<string, Edit> = {
    Conv: (proto, node, now) => this.#setGroups(proto, node, now),
    ConvTranspose: (proto, node, now) => this.#setGroups(proto, node, now),
    Reshape: (proto, node, now) => this.#setTarget(proto, node, now),
    Expand: (proto, node, now) => this.#setTarget(proto, node, now),
    Pad: (proto, node, now) => this.#setPads(proto, node, now),
    Slice: (proto, node, now) => this.#setSlice(proto, node, now),
    Split: (proto) => this.#setSplit(proto),
    Gather: (proto, node, now) => this.#setIndices(proto, node, now),
    GroupNormalization: (proto, node, now) => this.#setCounts(proto, node, now, 1, ['num_groups']),
    Attention: (proto, node, now) => this.#setCounts(proto, node, now, 2, ['q_num_heads', 'kv_num_heads']),
  }

  #setGroups(proto: NodeProto, node: Node, now: Node): boolean {
    const [before, after] = [groupsOf(node), groupsOf(now)]
    return before === after || this.#setInteger(proto, 'group', after)
  }

  #setInteger(proto: NodeProto, name: string, value: number): boolean {
    this.#editor.setAttribute(proto, create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) }))
    return true
  }

  /** Attributes that count what an axis of a reshaped tensor has: heads, groups. */
  #setCounts(proto: NodeProto, node: Node, now: Node, axis: number, names: readonly string[]): boolean {
    const { shape } = node.outputs[0]
    const operation = new Operation(proto, this.#editor.file.opset)
    const isCut = node.operator.name === 'Reshape' && shape.length !== node.inputs[0].shape.length
    for (const name of isCut ? names : [])
      if (operation.integer(name, 0) === shape[axis]) this.#setInteger(proto, name, now.outputs[0].shape[axis])
    return true
  }

  #setPads(proto: NodeProto, node: Node, now: Node): boolean {
    const pads = ({ attributes, inputs: [x] }: Node) => {
      const { starts, shape } = attributes as Record<string, Shape>
      return [...starts, ...shape.map((n, axis) => n - starts[axis] - x.shape[axis])]
    }
    const stored = this.#numbers(proto, 1) ?? new Operation(proto, this.#editor.file.opset).integers('pads')
    if (proto.input[3] || String(stored) !== String(pads(node))) return false
    return this.#setNumbers(proto, { input: 1, name: 'pads' }, pads(now))
  }

  /** The first channel and the one after the last, where the node cuts channels out. */
  #setSlice(proto: NodeProto, node: Node, now: Node): boolean {
    const [[x], [y]] = [node.inputs, node.outputs]
    const axis = cutAxis(node, now)
    const operation = new Operation(proto, this.#editor.file.opset)
    const list = (input: number, name: string) => this.#numbers(proto, input) ?? operation.integers(name)
    const [starts, ends] = [list(1, 'starts'), list(2, 'ends')]
    if (axis === undefined || !starts || !ends) return false
    const size = x.shape[axis]
    const place = (n: number) => Math.min(size, n < 0 ? n + size : n)
    const [from, count] = [startOf(node, axis), y.shape[axis]]
    const fits = starts.map((start, i) => place(start) === from && place(ends[i]) === from + count)
    // Where all channels go on, ends beyond them stay so.
    if (count === size) return fits.every((fit, i) => !fit || ends[i] >= size)
    const at = fits.indexOf(true)
    // What is said of another axis in the same numbers could be meant.
    if (at < 0 || at !== fits.lastIndexOf(true)) return false
    const first = startOf(now, axis)
    return (
      this.#setNumbers(proto, { input: 1, name: 'starts' }, starts.with(at, first)) &&
      this.#setNumbers(proto, { input: 2, name: 'ends' }, ends.with(at, first + now.outputs[0].shape[axis]))
    )
  }

  /** How many channels each part gets. */
  #setSplit(proto: NodeProto): boolean {
    const parts = [...this.#madeBy].flatMap(([node, maker]) =>
      maker === proto && node.operator.name === 'Slice' ? [{ node, now: this.#after.get(node.outputs[0].name) }] : [],
    )
    const sizes: number[] = []
    for (const { node, now } of parts) {
      const axis = now && node.outputs[0].shape.findIndex((n, i) => n !== node.inputs[0].shape[i])
      if (axis === undefined || axis < 0) return false
      sizes.push(now!.outputs[0].shape[axis])
    }
    if (sizes.length !== proto.output.length) return false
    const isStated = this.#numbers(proto, 1) || proto.attribute.some(({ name }) => name === 'split')
    if (!isStated && sizes.every((n) => n === sizes[0])) return true
    if (proto.attribute.some(({ name }) => name === 'num_outputs')) return false
    return this.#setNumbers(proto, { input: 1, name: 'split' }, sizes)
  }

  /** The places that are picked, where they are channels. */
  #setIndices(proto: NodeProto, node: Node, now: Node): boolean {
    const axis = cutAxis(node, now)
    const { name } = node.operator
    if (name === 'Resample')
      return this.#setNumbers(proto, { input: 1, name: 'indices' }, now.attributes.places as Shape)
    // Of another axis one place is picked, or the result has yet to get its shape.
    return axis !== undefined && (name !== 'Slice' || node.outputs[0].shape[axis] === node.inputs[0].shape[axis])
  }

  /** 64-bit integers that an input of a node stores. */
  #numbers(proto: NodeProto, input: number): number[] | undefined {
    const name = proto.input[input]
    if (!name || !this.#editor.isStored(name)) return undefined
    const { dtype, data } = this.#editor.tensor(name)
    return dtype === 'I64' ? Array.from(new BigInt64Array(Uint8Array.from(data).buffer), Number) : undefined
  }

  /** Other integers for an input of a node that is stored, or for the attribute that it was before. */
  #setNumbers(proto: NodeProto, { input, name }: { input: number; name: string }, numbers: readonly number[]): boolean {
    const before = this.#numbers(proto, input)
    if (before) {
      if (String(before) === String(numbers)) return true
      this.#editor.setInput({ node: proto, input }, this.#editor.addTensor(proto.input[input], integers(numbers)))
      return true
    }
    if (proto.input[input]) return false
    const attribute = { name, type: AttributeType.INTS, ints: numbers.map(BigInt) }
    this.#editor.setAttribute(proto, create(AttributeProtoSchema, attribute))
    return true
  }

  /**
   * Other numbers in the shape that a Reshape or Expand asks for. One that is computed is stored from here
   * on, where all sizes but one are numbers or those of the input; else it has to follow by itself.
   */
  #setTarget(proto: NodeProto, node: Node, now: Node): boolean {
    const [[{ shape: from }], [{ shape: old }]] = [node.inputs, node.outputs]
    const { shape } = now.outputs[0]
    // Samples that move in memory alone.
    if (String(from) === String(old)) return true
    const asked = this.#numbers(proto, 1)
    if (asked) {
      if (asked.length !== shape.length) return false
      const numbers = asked.map((n, i) => (n === old[i] && old[i] !== shape[i] ? shape[i] : n))
      return this.#setNumbers(proto, { input: 1, name: 'shape' }, numbers)
    }
    if (proto.opType !== 'Reshape') return true
    const operation = new Operation(proto, this.#editor.file.opset)
    const numbers = shape.map((n, i) => (n !== old[i] ? n : i < from.length && n === from[i] ? 0 : -1))
    if (operation.integer('allowzero', 0) !== 0 || numbers.filter((n) => n === -1).length > 1) return true
    this.#editor.setInput(
      { node: proto, input: 1 },
      this.#editor.addTensor(`${proto.output[0]}.shape`, integers(numbers)),
    )
    return true
  }
}

const integers = (numbers: readonly number[]): StoredTensor => ({
  dtype: 'I64',
  shape: [numbers.length],
  data: new Uint8Array(BigInt64Array.from(numbers, BigInt).buffer),
})
