import fc from 'fast-check'
import { it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { BINARY, binary, copy, UNARY, unary } from '../../../src/engine/kernels/elementwise.ts'
import { onEveryEngine } from '../../support/engines.ts'
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

/** e^-x is good to two roundings; below the normal range the result may be 0 or tiny. */
const sigmoid: Tolerance = (want) => 5 * ROUNDING * want + 1.2e-38

const toleranceOf = (op: number) => (op === UNARY.Sigmoid ? sigmoid : exact)

onEveryEngine((machines) => {
  it.each(Object.entries(UNARY))('%s of any length', (_name, op) => {
    const tolerance = toleranceOf(op)
    fc.assert(
      fc.property(size, fc.boolean(), fc.constantFrom(1, 100), values, (n, inPlace, spread, rng) => {
        const x = [...uniform(rng, n).map((value) => Math.fround(spread * value)), ...special]
        expectAgreement(machines, {
          operands: { x, y: blank(x.length) },
          call: (at) => call(unary, { op, n: x.length, x: at.x, y: inPlace ? at.x : at.y }),
          writes: inPlace ? { x: tolerance } : { y: tolerance },
        })
      }),
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
          writes: { out: exact },
        })
      }),
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
          writes: { x: exact },
        })
      }),
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
    )
  })
})
