/** @file Weights and biases as codes, with a DequantizeLinear in the place of each. */
import type { NodeProto } from 'onnx-buf'
import type { ModelEditor, Slot } from '../edit.ts'
import { numbersOf } from '../tensor.ts'
import { bytes, floats, nodeOf, storedCodes, type ValueCodes, type WeightCodes, whole } from './codes.ts'

/** The name of a weight that is computed from its codes. */
export function dequantizedWeight(editor: ModelEditor, weight: WeightCodes): string {
  const { key, scales, zeros, axis } = weight
  const names = [
    editor.addTensor(`${key}_quantized`, bytes('I8', storedCodes(weight), editor.tensor(key).shape)),
    editor.addTensor(`${key}_scale`, floats(scales, [scales.length])),
    editor.addTensor(`${key}_zero_point`, bytes('I8', zeros, [zeros.length])),
  ]
  const to = editor.freeName(`${key}_dequantized`)
  editor.insertFirst(nodeOf('DequantizeLinear', names, to, { attributes: { axis } }))
  return to
}

/** Adds to the bias of a node, which gets one where it has none; MatMul knows none. */
export function shiftBias(editor: ModelEditor, node: NodeProto, shift: Float64Array): void {
  const name = editor.now(node)!.input[2]
  if (node.opType === 'MatMul' || (name && !editor.isStored(name))) return
  const old = name ? numbersOf(editor.tensor(name)) : new Float64Array(shift.length)
  if (old.length !== shift.length) return
  const bias = floats(
    shift.map((value, o) => value + old[o]),
    [shift.length],
  )
  editor.setInput({ node, input: 2 }, editor.addTensor(`${node.output[0]}_bias`, bias))
}

/** The largest code of a bias, which leaves room for the sums of products in 32 bits. */
const MOST = 2 ** 30

/** A bias in steps of its layer's products; the reason where it stays as it is. */
export function roundBias(
  editor: ModelEditor,
  slot: Slot,
  value: ValueCodes,
  { scales, key }: WeightCodes,
): string | undefined {
  const { node, input } = slot
  const name = editor.now(node)!.input[input]
  const layer = `the bias of ${node.name || node.output[0]}`
  if (!editor.isStored(name)) return `${layer} stays in floats: it is not stored`
  const bias = numbersOf(editor.tensor(name))
  if (bias.length !== scales.length) return `${layer} stays in floats: it has not one number per output`
  const steps = scales.map((scale) => scale * value.scale)
  const codes = Array.from(bias, (b, o) => Math.round(b / steps[o]))
  const large = codes.findIndex((code) => !(Math.abs(code) <= MOST))
  if (large >= 0)
    return `${layer} stays in floats: ${bias[large]} is ${Math.abs(codes[large])} steps of ${key}, more than 32-bit sums leave room for`
  const shape = [codes.length]
  const names = [
    editor.addTensor(`${name}_quantized`, whole(codes, shape)),
    editor.addTensor(`${name}_scale`, floats(steps, shape)),
    editor.addTensor(`${name}_zero_point`, whole(new Int32Array(codes.length), shape)),
  ]
  const to = editor.freeName(`${name}_dequantized`)
  editor.insertFirst(nodeOf('DequantizeLinear', names, to, { attributes: { axis: 0 } }))
  editor.setInput(slot, to)
  return undefined
}
