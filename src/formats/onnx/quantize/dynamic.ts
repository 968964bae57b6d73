/**
 * @file Layers whose input is rounded while the model runs, by its own least and largest value: products of
 * whole numbers (ConvInteger, MatMulInteger), which become floats behind them. No samples are needed.
 */
import type { NodeProto } from 'onnx-buf'
import { UserError } from '../../../util/errors.ts'
import type { ModelEditor } from '../edit.ts'
import { bytes, floats, nodeOf, storedCodes, type WeightCodes } from './codes.ts'

/** Rounded inputs by the names of what is rounded. */
export type Rounded = Map<string, readonly [codes: string, scale: string, zero: string]>

/** A Conv, MatMul or Gemm of the file with whole numbers in its place. */
export function multiplyDynamically(editor: ModelEditor, node: NodeProto, weight: WeightCodes, rounded: Rounded): void {
  const { key, rows, scales } = weight
  const { input, attribute } = editor.now(node)!
  const [x, , bias] = input
  const isConv = node.opType === 'Conv'
  const codes = rounded.get(x) ?? roundedInput(editor, x)
  rounded.set(x, codes)
  const [y] = node.output
  const [sum, float, steps, scaled] = ['sum', 'float', 'steps', 'scaled'].map((part) => editor.freeName(`${y}_${part}`))
  // Channels are the second axis of maps, and the last one of products.
  const shape = isConv ? [rows, ...Array<number>(editor.tensor(key).shape.length - 2).fill(1)] : [rows]
  const weightScale = editor.addTensor(`${key}_scale`, floats(scales, shape))
  const stored = isConv
    ? bytes('I8', storedCodes(weight), editor.tensor(key).shape)
    : bytes('I8', storedCodes({ ...weight, transposed: true }), [weight.columns, rows])
  const weightCodes = editor.addTensor(`${key}_quantized`, stored)
  const product = nodeOf(isConv ? 'ConvInteger' : 'MatMulInteger', [codes[0], weightCodes, codes[2]], sum)
  if (isConv) product.attribute = attribute
  const end = bias ? scaled : y
  editor.remove(node)
  for (const one of [
    product,
    nodeOf('Cast', [sum], float, { attributes: { to: 1 } }),
    nodeOf('Mul', [codes[1], weightScale], steps),
    nodeOf('Mul', [float, steps], end),
    ...(bias ? [nodeOf('Add', [scaled, isConv ? biasOf(editor, bias, shape) : bias], y)] : []),
  ])
    editor.insertAfter(node, one)
}

/**
 * A bias of maps, with an axis for each of theirs behind the channels. Throws UserError where it is not
 * stored.
 */
function biasOf(editor: ModelEditor, bias: string, shape: readonly number[]): string {
  if (!editor.isStored(bias))
    throw new UserError(
      `${editor.file.path}: the bias ${bias} is computed, expected a stored one for rounding as it runs`,
    )
  const stored = editor.tensor(bias)
  return editor.addTensor(`${bias}_channels`, { ...stored, shape: [...shape] })
}

/** A value as codes, their scale and zero point. */
function roundedInput(editor: ModelEditor, x: string): readonly [string, string, string] {
  const [codes, scale, zero] = ['quantized', 'scale', 'zero_point'].map((part) => editor.freeName(`${x}_${part}`))
  const maker = editor.file.graph.node.find(({ output }) => output.includes(x))
  const node = nodeOf('DynamicQuantizeLinear', [x], [codes, scale, zero])
  if (maker) editor.insertAfter(maker, node)
  else editor.insertFirst(node)
  return [codes, scale, zero]
}
