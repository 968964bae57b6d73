/** @file What benchmarks count, on cases worked out by hand. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, expect, it } from 'vitest'
import { call, type Instruction } from '../../src/engine/kernel.ts'
import { conv } from '../../src/engine/kernels/conv.ts'
import { unary } from '../../src/engine/kernels/elementwise.ts'
import { gemm } from '../../src/engine/kernels/gemm.ts'
import { sparseConv } from '../../src/engine/kernels/sparse.ts'
import { compiled, root } from '../cli/cli.ts'

interface Floor {
  total: number
  arithmetic: number
  bytes: number
  rest: number
}
type FloorOf = (instructions: Instruction[], peaks: { arithmetic: number; memory: number }) => Floor
let floorOf: FloorOf
let boundText: (floor: Floor) => string
beforeAll(async () => {
  await compiled()
  const loaded = await import(pathToFileURL(join(root, 'bench/roofline.mjs')).href)
  floorOf = loaded.floorOf
  boundText = loaded.boundText
}, 120_000)

/** So that milliseconds are operations, or bytes. */
const slowArithmetic = { arithmetic: 1e-6, memory: 1e6 }
const slowMemory = { arithmetic: 1e6, memory: 1e-6 }

const places = { x: 0, weight: 0, y: 0, bias: 0, hasBias: 0, relu: 0 }
const layer = (batch: number, channels: number) => ({
  batch,
  groups: 1,
  in: channels,
  out: channels,
  h: 4,
  w: 4,
  oh: 4,
  ow: 4,
  kh: 3,
  kw: 3,
  sy: 1,
  sx: 1,
  dy: 1,
  dx: 1,
  top: 1,
  left: 1,
})
const product = call(gemm, {
  m: 2,
  n: 3,
  k: 4,
  a: 0,
  aOuter: 4,
  aDepth: 1,
  b: 0,
  bOuter: 1,
  bDepth: 3,
  c: 0,
  bias: 0,
  biasKind: 0,
  relu: 0,
})
const sparse = (capacity: number) =>
  call(sparseConv, {
    ...layer(2, 3),
    values: 0,
    starts: 0,
    places: 0,
    capacity,
    x: 0,
    y: 0,
    bias: 0,
    hasBias: 0,
    relu: 0,
    residual: 0,
    hasResidual: 0,
  })

it.each([
  ['a product', () => product, 2 * 24, 4 * (8 + 12 + 6)],
  ['a direct convolution', () => call(conv, { ...layer(2, 3), ...places }), 2 * 2 * 16 * 81, 4 * (96 + 81 + 96)],
  ["Winograd's", () => call(conv, { ...layer(8, 8), ...places }), (2 * 8 * 16 * 576) / 2.25, 4 * (1024 + 576 + 1024)],
  // Values, starts of 3 channels and places beside input and output.
  ['a sparse convolution', () => sparse(5), 2 * 5 * 16 * 2, 4 * (96 + 5 + 4 + 5 + 96)],
  ['an activation', () => call(unary, { op: 0, n: 10, x: 0, y: 0 }), 0, 4 * 20],
])('counts the operations and the bytes of %s', (_, make, operations, bytes) => {
  const instruction = make()
  if (operations > 0) expect(floorOf([instruction], slowArithmetic).arithmetic).toBeCloseTo(operations, 6)
  expect(floorOf([instruction], slowMemory).bytes).toBeCloseTo(bytes, 6)
})

it('tells apart what skips zeros and what does not, and names the larger part', () => {
  const dense = call(conv, { ...layer(2, 3), ...places })
  expect(floorOf([sparse(5), sparse(81), dense], slowArithmetic).rest).toBeCloseTo(2 * (2 * 2 * 16 * 81), 6)
  expect(boundText(floorOf([sparse(5), dense], slowArithmetic))).toBe('dense remainder')
  expect(boundText(floorOf([dense], slowArithmetic))).toBe('arithmetic')
  expect(boundText(floorOf([sparse(5)], slowMemory))).toBe('bytes')
})
