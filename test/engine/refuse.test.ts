import { expect, it } from 'vitest'
import { call, type Kernel } from '../../src/engine/kernel.ts'
import {
  conv,
  convInputGrad,
  convSampleGrads,
  convWeightGrad,
  inputFloats,
  outputFloats,
  type Sizes,
} from '../../src/engine/kernels/conv.ts'
import { int8Conv, int8Depthwise, int8SparseConv } from '../../src/engine/kernels/int8-conv.ts'
import { int8MaxPool } from '../../src/engine/kernels/int8-pooling.ts'
import { sparseConv, sparseConvInputGrad, sparseConvWeightGrad } from '../../src/engine/kernels/sparse.ts'
import { Program } from '../../src/engine/program.ts'
import { onEveryEngine } from '../support/engines.ts'

const square: Sizes = {
  batch: 1,
  groups: 1,
  in: 2,
  out: 2,
  h: 1,
  w: 1,
  oh: 1,
  ow: 1,
  kh: 1,
  kw: 1,
  sy: 1,
  sx: 1,
  dy: 1,
  dx: 1,
  top: 0,
  left: 0,
}
/** Fewer samples than the widest vector has lanes need no strips in forward passes. */
const batch = 16
/** One row of 30,000 columns is more than any strip holds, whatever the width of vectors. */
const wide: Sizes = { ...square, batch, w: 30_000, ow: 30_000 }
/** A kernel of 65 x 65 has more than 4096 taps. */
const manyTaps: Sizes = { ...square, batch, h: 65, w: 65, kh: 65, kw: 65 }
/** Sparse kernels count phases up to 8. */
const longStride: Sizes = { ...square, h: 20, w: 20, oh: 3, ow: 3, sy: 9, sx: 9 }

const weights = (p: Sizes) => p.out * p.in * p.kh * p.kw
const CAPACITY = 4

/** The length of the result, and the call, given where the result, and the operands that it may read, lie. */
type Case<P extends string> = [
  Kernel<P>,
  (p: Sizes) => number,
  (result: number, rest: number) => Record<string, number>,
]

const pattern = (rest: number) => ({ values: rest, starts: rest, places: rest, capacity: CAPACITY })
const noBias = { bias: 0, hasBias: 0, relu: 0 }
const dense = [
  [conv, outputFloats, (y, rest) => ({ x: rest, weight: rest, y, ...noBias })],
  [convInputGrad, inputFloats, (dinput, rest) => ({ gradient: rest, weight: rest, dinput })],
  [convWeightGrad, weights, (dweight, rest) => ({ x: rest, gradient: rest, dweight })],
  [
    convSampleGrads,
    (p) => weights(p) * p.batch,
    (dweight, rest) => ({ x: rest, gradient: rest, dweight, squares: 0, sum: 0, hasSum: 0 }),
  ],
  [
    convSampleGrads,
    (p) => 2 * weights(p),
    (dweight, rest) => ({
      x: rest,
      gradient: rest,
      dweight,
      squares: 1,
      sum: dweight + (rest - dweight - 7) / 2,
      hasSum: 1,
    }),
  ],
] as Case<string>[]
const sparse = [
  [sparseConv, outputFloats, (y, rest) => ({ ...pattern(rest), x: rest, y, ...noBias, residual: 0, hasResidual: 0 })],
  [sparseConvInputGrad, inputFloats, (dinput, rest) => ({ ...pattern(rest), gradient: rest, entries: rest, dinput })],
  [
    sparseConvWeightGrad,
    () => 3 * CAPACITY,
    (sums, rest) => ({ ...pattern(rest), x: rest, gradient: rest, parts: 3, sums }),
  ],
] as Case<string>[]

const ends = (rest: number) => ({ border: 0, offset: rest, scale: rest, zero: 0, low: 0, high: 255 })
/** Five times as many words as a window has are more than a panel's. */
const deep: Sizes = { ...square, in: 140_000 }
const wideChannels: Sizes = { ...wide, groups: 2, in: 1, out: 1 }
const int8 = [
  [[int8Conv, () => 1, (y, rest) => ({ x: rest, weight: rest, y, ...ends(rest), toFloat: 0 })], deep],
  [[int8Conv, () => 2, (y, rest) => ({ x: rest, weight: rest, y, ...ends(rest), toFloat: 1 })], deep],
  [[int8SparseConv, () => 1, (y, rest) => ({ ...pattern(rest), x: rest, y, ...ends(rest), toFloat: 0 })], deep],
  [
    [int8Depthwise, (p) => p.oh * p.ow * p.batch, (y, rest) => ({ x: rest, weight: rest, y, ...ends(rest) })],
    wideChannels,
  ],
  [[int8MaxPool, (p) => p.oh * p.ow * p.batch, (y, rest) => ({ channels: 2, x: rest, y })], { ...wide, batch: 7 }],
] as [Case<string>, Sizes][]

const cases = [
  ...int8,
  ...[...dense, ...sparse].flatMap((one) => [[one, wide] as const, [one, manyTaps] as const]),
  ...sparse.map((one) => [one, longStride] as const),
]

onEveryEngine((machines) => {
  it.each(cases)(
    'sizes without room in C that get past TypeScript make the result NaN, and nothing else (%#)',
    (one, p) => {
      const [kernel, lengthOf, argumentsOf] = one
      const length = lengthOf(p)
      const from = 5
      const rest = from + length + 7
      const size = rest + Math.max(inputFloats(p), outputFloats(p), weights(p))
      const args: Record<string, number> = { ...p, ...argumentsOf(from, rest) }
      expect(() => Program.assemble([call(kernel, args)], size)).toThrow(/more|has no room/)
      const unchecked: Kernel = { ...kernel, extents: () => [], room: undefined }
      const program = Program.assemble([call(unchecked, args)], size)
      for (const machine of machines) {
        const { floats, run } = machine.allocate(size)
        floats.fill(1)
        run(program)
        const wrong = floats.findIndex((x, i) => !Object.is(x, i >= from && i < from + length ? Number.NaN : 1))
        expect({ machine: machine.description, wrong }).toEqual({ machine: machine.description, wrong: -1 })
      }
    },
  )
})
