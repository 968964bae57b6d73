/**
 * @file A model whose weights and values are whole numbers, in ONNX's QDQ form: a stored tensor of codes and a
 * DequantizeLinear in the place of each weight, a QuantizeLinear and a DequantizeLinear behind each value.
 * Runtimes that know it (ONNX Runtime) compute nodes between them in whole numbers; others compute the same in
 * floats.
 */
import { create } from '@bufbuild/protobuf'
import { AttributeProto_AttributeType as AttributeType, type NodeProto, NodeProtoSchema } from 'onnx-buf'
import { UserError } from '../../../util/errors.ts'
import type { StoredTensor } from '../../safetensors-bytes.ts'
import { namesRead } from '../bodies.ts'
import { ModelEditor, type Slot } from '../edit.ts'
import { type OnnxFile, openModel } from '../file.ts'
import { numbersOf } from '../tensor.ts'
import type { QuantizedValues } from './values.ts'

/** The first version of ONNX's operators in which a scale may be one for each place of an axis. */
export const QDQ_OPSET = 13

/** A stored weight as codes. */
export interface WeightCodes {
  /** Of the stored tensor, of the same shape. */
  key: string
  codes: Int8Array
  /** Of each place of the axis. */
  scales: Float32Array
  zeros: Int8Array
  axis: number
  /** The nodes that read it, input 1. */
  nodes: readonly NodeProto[]
}

/** The grid of a value: x is scale (code - zero). */
export interface ValueCodes {
  type: 'uint8' | 'int8'
  scale: number
  zero: number
}

export interface QdqModel {
  file: OnnxFile
  /** Biases that stay floats, each with the reason; a runtime may compute their layers in floats. */
  notes: string[]
}

/**
 * The model with codes in the place of its weights. `values` and their `grids` by name: what is rounded on the
 * way; none for weights alone. Biases become 32-bit codes where the input of their layer is whole. Throws
 * UserError where the model's operators are too old.
 */
export function writeQdq(
  file: OnnxFile,
  weights: readonly WeightCodes[],
  { values, reads }: QuantizedValues = { values: [], reads: [] },
  grids: ReadonlyMap<string, ValueCodes> = new Map(),
): QdqModel {
  checkOpset(file)
  const editor = new ModelEditor(file)
  const notes: string[] = []
  const likes = new Map(values.map(({ name, like = name }) => [name, like]))
  const ends = new Map<string, string>()
  for (const { name, like = name } of values) {
    const grid = grids.get(like)!
    ends.set(name, roundValue(editor, name, saturated(editor, name, grid, likes), grid))
  }
  for (const { node, input } of reads) editor.setInput({ node, input }, ends.get(node.input[input])!)
  const rounded = new Map(reads.flatMap(({ node, input }) => (input === 0 ? [[node, node.input[0]] as const] : [])))
  for (const weight of weights) {
    const name = dequantizedWeight(editor, weight)
    for (const node of weight.nodes) {
      editor.setInput({ node, input: 1 }, name)
      const value = rounded.get(node)
      const grid = value === undefined ? undefined : grids.get(likes.get(value)!)
      const reason = grid && node.input[2] ? roundBias(editor, { node, input: 2 }, grid, weight) : undefined
      if (reason !== undefined) notes.push(reason)
    }
  }
  return { file: openModel(editor.finish(), file.path, file.external), notes }
}

/** Throws UserError where the model's operators know no scales of channels. */
export function checkOpset({ path, opset }: OnnxFile): void {
  if (opset < QDQ_OPSET)
    throw new UserError(
      `${path} uses version ${opset} of ONNX's operators, and scales of channels need ${QDQ_OPSET}: export it again with opset 17`,
    )
}

/**
 * The name of what is rounded as a value: where a limit of its own (Relu, or Clip from 0) is kept by the grid,
 * what goes into that limit, which is left out, unless that is a value itself.
 */
function saturated(editor: ModelEditor, name: string, grid: ValueCodes, values: ReadonlyMap<string, string>): string {
  const { graph, stored } = editor.file
  const maker = makerOf(editor, name)
  const isInside = graph.node.some((node) => !node.input.includes(name) && namesRead(node).has(name))
  if (!maker || !keepsLimits(editor, maker, grid) || editor.isOutput(name) || isInside) return name
  const [from] = maker.input
  if (stored.has(from) || values.has(from)) return name
  editor.remove(maker)
  return from
}

/** Whether no code stands for what an activation takes away. */
function keepsLimits(
  editor: ModelEditor,
  { opType, domain, input }: NodeProto,
  { type, scale, zero }: ValueCodes,
): boolean {
  if (domain !== '' || zero !== (type === 'uint8' ? 0 : -128)) return false
  if (opType === 'Relu') return true
  if (opType !== 'Clip' || !input.slice(1).every((name) => name === '' || editor.isStored(name))) return false
  const [least, most] = [1, 2].map((i) => (input[i] ? numbersOf(editor.tensor(input[i]))[0] : undefined))
  // The last code may stand for a bit more by rounding of the scale.
  return least === 0 && (most === undefined || 255 * scale <= most * (1 + 1e-6))
}

const makerOf = ({ file }: ModelEditor, name: string): NodeProto | undefined =>
  file.graph.node.find((node) => node.output.includes(name))

/** Rounds what is computed as `from` to the value of a name; the name of what is read in its place. */
function roundValue(editor: ModelEditor, name: string, from: string, { type, scale, zero }: ValueCodes): string {
  const maker = makerOf(editor, name)
  const steps = [
    editor.addTensor(`${name}_scale`, floats([scale], [])),
    editor.addTensor(`${name}_zero_point`, {
      dtype: type === 'int8' ? 'I8' : 'U8',
      shape: [],
      data: Uint8Array.of(zero & 255),
    }),
  ]
  // What the model gives keeps its name.
  const given = editor.isOutput(name) && maker !== undefined
  const exact = given ? editor.freeName(`${name}_exact`) : from
  const codes = editor.freeName(`${name}_quantized`)
  const to = given ? name : editor.freeName(`${name}_dequantized`)
  const nodes = [nodeOf('QuantizeLinear', [exact, ...steps], codes), nodeOf('DequantizeLinear', [codes, ...steps], to)]
  if (given) editor.setOutput(maker, maker.output.indexOf(name), exact)
  for (const node of nodes) maker ? editor.insertAfter(maker, node) : editor.insertFirst(node)
  return to
}

function dequantizedWeight(editor: ModelEditor, { key, codes, scales, zeros, axis }: WeightCodes): string {
  const { shape } = editor.tensor(key)
  const names = [
    editor.addTensor(`${key}_quantized`, {
      dtype: 'I8',
      shape,
      data: new Uint8Array(codes.buffer, codes.byteOffset, codes.length),
    }),
    editor.addTensor(`${key}_scale`, floats(scales, [scales.length])),
    editor.addTensor(`${key}_zero_point`, {
      dtype: 'I8',
      shape: [zeros.length],
      data: Uint8Array.from(zeros, (zero) => zero & 255),
    }),
  ]
  const to = editor.freeName(`${key}_dequantized`)
  editor.insertFirst(nodeOf('DequantizeLinear', names, to, axis))
  return to
}

/** The largest code of a bias, which leaves room for the sums of products in 32 bits. */
const MOST = 2 ** 30

/** A bias in steps of its layer's products; the reason where it stays as it is. */
function roundBias(
  editor: ModelEditor,
  slot: Slot,
  value: ValueCodes,
  { scales, key }: WeightCodes,
): string | undefined {
  const { node, input } = slot
  const name = node.input[input]
  const layer = `the bias of ${node.name || node.output[0]}`
  if (!editor.isStored(name)) return `${layer} stays in floats: it is not stored`
  const bias = numbersOf(editor.tensor(name))
  if (bias.length !== scales.length) return `${layer} stays in floats: it has not one number per output`
  if (node.attribute.some(({ name: called, f }) => called === 'beta' && f !== 1))
    return `${layer} stays in floats: it has a factor`
  const steps = scales.map((scale) => scale * value.scale)
  const codes = Array.from(bias, (b, o) => Math.round(b / steps[o]))
  const large = codes.findIndex((code) => !(Math.abs(code) <= MOST))
  if (large >= 0)
    return `${layer} stays in floats: ${bias[large]} is ${Math.abs(codes[large])} steps of ${key}, more than 32-bit sums leave room for`
  const shape = [codes.length]
  const names = [
    editor.addTensor(`${name}_quantized`, { dtype: 'I32', shape, data: new Uint8Array(Int32Array.from(codes).buffer) }),
    editor.addTensor(`${name}_scale`, floats(steps, shape)),
    editor.addTensor(`${name}_zero_point`, { dtype: 'I32', shape, data: new Uint8Array(4 * codes.length) }),
  ]
  const to = editor.freeName(`${name}_dequantized`)
  editor.insertFirst(nodeOf('DequantizeLinear', names, to, 0))
  editor.setInput(slot, to)
  return undefined
}

const floats = (values: ArrayLike<number>, shape: readonly number[]): StoredTensor => ({
  dtype: 'F32',
  shape: [...shape],
  data: new Uint8Array(Float32Array.from(values).buffer),
})

const nodeOf = (opType: string, input: string[], output: string, axis?: number): NodeProto =>
  create(NodeProtoSchema, {
    opType,
    name: `${output}/${opType}`,
    input,
    output: [output],
    attribute: axis === undefined ? [] : [{ name: 'axis', type: AttributeType.INT, i: BigInt(axis) }],
  })
