/**
 * @file Values of a model rounded to codes: a QuantizeLinear and a DequantizeLinear behind each. Runtimes
 * that know them (ONNX Runtime) compute nodes between them in whole numbers; others compute the same in
 * floats.
 */
import type { NodeProto } from 'onnx-buf'
import { namesRead } from '../bodies.ts'
import type { ModelEditor } from '../edit.ts'
import { numbersOf } from '../tensor.ts'
import { bytes, floats, nodeOf, type ValueCodes } from './codes.ts'
import type { QuantizedValues } from './values.ts'

/** Rounds all values to their grids, by name. */
export function roundValues(
  editor: ModelEditor,
  { values, reads }: QuantizedValues,
  grids: ReadonlyMap<string, ValueCodes>,
): void {
  const names = new Set(values.map(({ name }) => name))
  const ends = new Map<string, string>()
  for (const { name, like = name } of values) {
    const grid = grids.get(like)!
    ends.set(name, roundValue(editor, name, saturated(editor, name, grid, names), grid))
  }
  for (const { node, input } of reads) editor.setInput({ node, input }, ends.get(node.input[input])!)
}

/**
 * The name of what is rounded as a value: where a limit of its own (Relu, or Clip from 0) is kept by the
 * grid, what goes into that limit, which is left out, unless that is a value itself.
 */
function saturated(editor: ModelEditor, name: string, grid: ValueCodes, values: ReadonlySet<string>): string {
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
    editor.addTensor(`${name}_zero_point`, bytes(type === 'int8' ? 'I8' : 'U8', [zero], [])),
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
