/**
 * @file Products with weights of four bits, as ONNX Runtime has them: MatMulNBits of the domain com.microsoft
 * (docs/ContribOperators.md), two codes in a byte, a scale for each block of inputs.
 */
import type { NodeProto } from 'onnx-buf'
import type { ModelEditor } from '../edit.ts'
import { bytes, floats, nodeOf, type WeightCodes } from './codes.ts'

export const RUNTIME_DOMAIN = 'com.microsoft'

/** Sizes of blocks that the operator knows. */
export const blockSizes = [16, 32, 64, 128, 256] as const

/** Codes -8 to 7 are stored as 0 to 15. */
const ZERO = 8

/** A MatMul or Gemm of the file with a product of few bits in its place; a bias is added to that. */
export function multiplyByBits(editor: ModelEditor, node: NodeProto, weight: WeightCodes, stored: string[]): void {
  const { rows, columns, block } = weight
  const [x, , bias] = editor.now(node)!.input
  const [y] = node.output
  const product = bias ? editor.freeName(`${y}_product`) : y
  editor.remove(node)
  editor.insertAfter(
    node,
    nodeOf('MatMulNBits', [x, ...stored], product, {
      domain: RUNTIME_DOMAIN,
      attributes: { K: columns, N: rows, bits: 4, block_size: block },
    }),
  )
  if (bias) editor.insertAfter(node, nodeOf('Add', [product, bias], y))
}

/** The names of the codes, scales and, where they are not all the same, zero points of a weight. */
export function storedBits(editor: ModelEditor, { key, rows, columns, codes, block, scales, zeros }: WeightCodes) {
  const blocks = Math.ceil(columns / block)
  const packed = new Uint8Array((rows * blocks * block) / 2)
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < blocks * block; i++) {
      const code = i < columns ? codes[row * columns + i] : 0
      packed[(row * blocks * block + i) >> 1] |= (code + ZERO) << (4 * (i & 1))
    }
  const perRow = Math.ceil(blocks / 2)
  const points = new Uint8Array(rows * perRow)
  zeros.forEach((zero, at) => {
    const [row, b] = [Math.floor(at / blocks), at % blocks]
    points[row * perRow + (b >> 1)] |= (zero + ZERO) << (4 * (b & 1))
  })
  return [
    editor.addTensor(`${key}_quantized`, bytes('U8', packed, [rows, blocks, block / 2])),
    editor.addTensor(`${key}_scale`, floats(scales, [rows, blocks])),
    ...(zeros.some((zero) => zero !== 0)
      ? [editor.addTensor(`${key}_zero_point`, bytes('U8', points, [rows, perRow]))]
      : []),
  ]
}
