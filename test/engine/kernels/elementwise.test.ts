import fc from 'fast-check'
import { it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { binary, copy, unary, where } from '../../../src/engine/kernels/elementwise.ts'
import { BINARY, UNARY } from '../../../src/engine/kernels/functions.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import {
  blank,
  exact,
  expectAgreement,
  ROUNDING,
  size,
  type Tolerance,
  uniform,
  values,
} from '../../support/kernel-case.ts'
import { dims, operand, strided } from '../../support/strided.ts'

/** What operators that look at signs could get wrong. */
const special = [0, -0, 1e-40, -1e-40, 3e38, -3e38, Infinity, -Infinity, NaN].map(Math.fround)

/** So many roundings; below the normal range the result may be 0 or tiny. */
const roundings =
  (count: number): Tolerance =>
  (want) =>
    Number.isFinite(want) ? count * ROUNDING * Math.abs(want) + 1.2e-38 : 0

/** e^-x is good to two roundings, sums of a sine's Taylor series near its zeros only to that of 1. */
const toleranceOf: Partial<Record<number, Tolerance>> = {
  [UNARY.Sigmoid]: roundings(5),
  [UNARY.Exp]: roundings(4),
  [UNARY.Log]: roundings(4),
  [UNARY.Tanh]: roundings(5),
  [UNARY.Erf]: roundings(4),
  [UNARY.Sin]: roundings(3),
  [UNARY.Cos]: roundings(3),
  [UNARY.Atan]: roundings(5),
}
const binaryTolerance: Partial<Record<number, Tolerance>> = { [BINARY.Pow]: roundings(1.01) }

/** Beyond that, sines are only known to lie in [-1, 1]. */
const isPeriodic = (op: number) => op === UNARY.Sin || op === UNARY.Cos

onAllEngines((machines) => {
  it.each(Object.entries(UNARY))('%s of any length', (_name, op) => {
    const tolerance = toleranceOf[op] ?? exact
    const ends = isPeriodic(op) ? special.filter((x) => !(Math.abs(x) > 2 ** 30) || !Number.isFinite(x)) : special
    fc.assert(
      fc.property(size, fc.boolean(), fc.constantFrom(0.1, 1, 100), values, (n, inPlace, spread, rng) => {
        const x = [...uniform(rng, n).map((value) => Math.fround(spread * value)), ...ends]
        expectAgreement(machines, {
          operands: { x, y: blank(x.length) },
          call: (at) => call(unary, { op, n: x.length, x: at.x, y: inPlace ? at.x : at.y }),
          writes: inPlace ? { x: tolerance } : { y: tolerance },
        })
      }),
      draws(),
    )
  })

  it.each(Object.entries(BINARY))('%s of strided and broadcast operands', (_name, op) => {
    fc.assert(
      fc.property(dims, operand, operand, values, (d, left, right, rng) => {
        const x = strided(d, left, rng)
        const y = strided(d, right, rng)
        expectAgreement(machines, {
          operands: { x: x.floats, y: y.floats, out: blank(d[0] * d[1] * d[2] * d[3]) },
          call: (at) =>
            call(binary, {
              op,
              d0: d[0],
              d1: d[1],
              d2: d[2],
              d3: d[3],
              out: at.out,
              x: at.x,
              sx0: x.strides[0],
              sx1: x.strides[1],
              sx2: x.strides[2],
              sx3: x.strides[3],
              y: at.y,
              sy0: y.strides[0],
              sy1: y.strides[1],
              sy2: y.strides[2],
              sy3: y.strides[3],
            }),
          writes: { out: binaryTolerance[op] ?? exact },
        })
      }),
      draws(),
    )
  })

  it.each(Object.entries(BINARY))('%s over its own left operand', (_name, op) => {
    fc.assert(
      fc.property(size, fc.constantFrom(0, 1, 3), values, (n, stride, rng) => {
        expectAgreement(machines, {
          operands: { x: uniform(rng, n), y: uniform(rng, (n - 1) * stride + 1) },
          call: (at) =>
            call(binary, {
              op,
              d0: 1,
              d1: 1,
              d2: 1,
              d3: n,
              out: at.x,
              x: at.x,
              sx0: 0,
              sx1: 0,
              sx2: 0,
              sx3: 1,
              y: at.y,
              sy0: 0,
              sy1: 0,
              sy2: 0,
              sy3: stride,
            }),
          writes: { x: binaryTolerance[op] ?? exact },
        })
      }),
      draws(),
    )
  })

  it.each(Object.entries(BINARY))('%s of what is special', (_name, op) => {
    const numbers = [...special, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1.5, -2.5, 2 ** 24, 1e20, -1e20, 7, 1.1].map(
      Math.fround,
    )
    const n = numbers.length ** 2
    const strides = { sx0: 0, sx1: 0, sx2: 1, sx3: 0, sy0: 0, sy1: 0, sy2: 0, sy3: 1 }
    expectAgreement(machines, {
      operands: { x: numbers, y: numbers, out: blank(n) },
      call: (at) =>
        call(binary, {
          op,
          d0: 1,
          d1: 1,
          d2: numbers.length,
          d3: numbers.length,
          x: at.x,
          y: at.y,
          out: at.out,
          ...strides,
        }),
      writes: { out: binaryTolerance[op] ?? exact },
    })
  })

  it('chooses between strided and broadcast operands, whatever is not chosen', () => {
    fc.assert(
      fc.property(dims, operand, operand, operand, values, (d, condition, left, right, rng) => {
        const [c, x, y] = [condition, left, right].map((layout) => strided(d, layout, rng))
        const truth = c.floats.map((value) => (value > 0.3 ? value : value > 0 ? -0 : Number(value < -0.5)))
        // What is not a number shows only where it is chosen.
        const some = y.floats.map((value) => (value > 0.5 ? Number.NaN : value < -0.5 ? -Infinity : value))
        expectAgreement(machines, {
          operands: { c: truth, x: x.floats, y: some, out: blank(d[0] * d[1] * d[2] * d[3]) },
          call: (at) =>
            call(where, {
              d0: d[0],
              d1: d[1],
              d2: d[2],
              d3: d[3],
              c: at.c,
              sc0: c.strides[0],
              sc1: c.strides[1],
              sc2: c.strides[2],
              sc3: c.strides[3],
              x: at.x,
              sx0: x.strides[0],
              sx1: x.strides[1],
              sx2: x.strides[2],
              sx3: x.strides[3],
              y: at.y,
              sy0: y.strides[0],
              sy1: y.strides[1],
              sy2: y.strides[2],
              sy3: y.strides[3],
              out: at.out,
            }),
          writes: { out: exact },
        })
      }),
      draws(),
    )
  })

  it('copies strided and broadcast operands', () => {
    fc.assert(
      fc.property(dims, operand, values, (d, from, rng) => {
        const x = strided(d, from, rng)
        const [sx0, sx1, sx2, sx3] = x.strides
        expectAgreement(machines, {
          operands: { x: x.floats, out: blank(d[0] * d[1] * d[2] * d[3]) },
          call: (at) =>
            call(copy, { d0: d[0], d1: d[1], d2: d[2], d3: d[3], x: at.x, sx0, sx1, sx2, sx3, out: at.out }),
          writes: { out: exact },
        })
      }),
      draws(),
    )
  })
})
