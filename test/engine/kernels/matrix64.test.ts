import fc from 'fast-check'
import { it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { cholesky64, gather64, MODE, product64 } from '../../../src/engine/kernels/matrix64.ts'
import type { Random } from '../../../src/util/random.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { exact, expectAgreement, size, uniform, values } from '../../support/kernel-case.ts'

const ROUNDING64 = 2 ** -53
const flag = fc.constantFrom(0, 1)
const mode = fc.constantFrom(...Object.values(MODE))
/** Few, or more than a block of the depth. */
const depth = fc.oneof(size, fc.constantFrom(240, 241, 500))

const doubles = (rng: Random, n: number) => Float64Array.from({ length: n }, () => 2 * rng.uniform() - 1)

/** An operand of `lines` x `k`, by line or by depth, of doubles or floats, and its strides. */
function operand(rng: Random, lines: number, k: number, double: number, transposed: number) {
  const strides = transposed ? { outer: 1, depth: lines } : { outer: k, depth: 1 }
  return { ...strides, double, data: double ? doubles(rng, lines * k) : uniform(rng, lines * k) }
}

onAllEngines((machines) => {
  it('products of doubles and floats, in any order of the axes', () => {
    const orders = fc.tuple(flag, flag, flag, flag)
    fc.assert(
      fc.property(size, size, depth, orders, mode, values, (m, n, k, [ad, at, bd, bt], mode, rng) => {
        const [a, b] = [operand(rng, m, k, ad, at), operand(rng, n, k, bd, bt)]
        const row = n + 3
        expectAgreement(machines, {
          operands: { a: a.data, b: b.data, c: doubles(rng, m * row) },
          call: (at) =>
            call(product64, {
              m,
              n,
              k,
              a: at.a,
              aOuter: a.outer,
              aDepth: a.depth,
              aDouble: a.double,
              b: at.b,
              bOuter: b.outer,
              bDepth: b.depth,
              bDouble: b.double,
              c: at.c,
              row,
              mode,
              lower: 0,
            }),
          // Values are below 1, so that a sum is below its length.
          writes: { c: () => (k + 2) * (k + 1) * ROUNDING64 },
        })
      }),
      draws(30),
    )
  })

  it('a product of which the lower triangle is asked for, within a tile', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), size, values, (n, k, rng) => {
        let element = 0
        const above = () => {
          const [i, j] = [Math.floor(element / n), element % n]
          element++
          return j > i
        }
        const bound = (k + 2) * (k + 1) * ROUNDING64
        expectAgreement(machines, {
          operands: { a: doubles(rng, n * k), c: doubles(rng, n * n) },
          call: (at) =>
            call(product64, {
              m: n,
              n,
              k,
              a: at.a,
              aOuter: k,
              aDepth: 1,
              aDouble: 1,
              b: at.a,
              bOuter: k,
              bDepth: 1,
              bDouble: 1,
              c: at.c,
              row: n,
              mode: MODE.subtract,
              lower: 1,
            }),
          // Elements above the diagonal may hold anything.
          writes: { c: () => (above() ? Number.POSITIVE_INFINITY : bound) },
        })
      }),
      draws(),
    )
  })

  it('a product in the place of its left operand', () => {
    const order = fc.constantFrom(1, 5, 16, 127, 128)
    fc.assert(
      fc.property(size, order, values, (m, n, rng) => {
        expectAgreement(machines, {
          operands: { a: doubles(rng, m * n), b: doubles(rng, n * n) },
          call: (at) =>
            call(product64, {
              m,
              n,
              k: n,
              a: at.a,
              aOuter: n,
              aDepth: 1,
              aDouble: 1,
              b: at.b,
              bOuter: n,
              bDepth: 1,
              bDouble: 1,
              c: at.a,
              row: n,
              mode: MODE.set,
              lower: 0,
            }),
          writes: { a: () => (n + 2) * (n + 1) * ROUNDING64 },
        })
      }),
      draws(20),
    )
  })

  it('the Cholesky factor of a block, its inverse and the least pivot', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 7, 64, 128), values, (n, rng) => {
        const g = doubles(rng, n * n)
        const row = n + 1
        // G G' + n I, whose eigenvalues are from n on; the strict upper triangle is not read.
        const a = new Float64Array(n * row).fill(7)
        for (let i = 0; i < n; i++)
          for (let j = 0; j <= i; j++) {
            let sum = i === j ? n : 0
            for (let l = 0; l < n; l++) sum += g[i * n + l] * g[j * n + l]
            a[i * row + j] = sum
          }
        expectAgreement(machines, {
          operands: { a, inverse: new Float64Array(n * n), pivot: Float64Array.of(1e300) },
          call: (at) => call(cholesky64, { n, a: at.a, row, inverse: at.inverse, pivot: at.pivot }),
          writes: { a: () => 1e-11, inverse: () => 1e-11, pivot: () => 1e-11 },
        })
      }),
      draws(15),
    )
  })

  it('rows of a symmetric matrix, restricted to some indices', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 3, 40),
        fc.nat(3),
        fc.integer({ min: 1, max: 9 }),
        values,
        (n, first, rows, rng) => {
          const listed = Array.from({ length: n }, (_, i) => i).filter(() => rng.below(3) > 0)
          const count = Math.min(rows, listed.length - first)
          fc.pre(count > 0)
          const row = first + count + 2
          expectAgreement(machines, {
            operands: { s: doubles(rng, n * n), indices: listed, to: new Float64Array(count * row).fill(7) },
            call: (at) => call(gather64, { rows: count, first, s: at.s, n, indices: at.indices, to: at.to, row }),
            writes: { to: exact },
          })
        },
      ),
      draws(),
    )
  })
})
