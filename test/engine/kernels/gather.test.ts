import fc from 'fast-check'
import { expect, it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { gather, SCATTER, scatter, topK } from '../../../src/engine/kernels/moving.ts'
import { Program } from '../../../src/engine/program.ts'
import type { Random } from '../../../src/util/random.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, exact, expectAgreement, ROUNDING, uniform, values } from '../../support/kernel-case.ts'

/** What is no place of n. */
const outside = (n: number) => [-n - 1, -n - 0.5, n, n + 0.5, 1e9, 1e30, -1e30, Infinity, -Infinity, NaN]

/** Mostly places, several times each, some of them counted from the end; some that are none. */
const places = (rng: Random, count: number, n: number) =>
  Array.from({ length: count }, (_, i) => {
    if (i % 5 === 4) return Math.fround(outside(n)[rng.below(10)])
    return rng.below(n) - (rng.below(3) === 0 ? n : 0)
  })

const sizes = fc
  .record({
    outer: fc.integer({ min: 1, max: 4 }),
    n: fc.integer({ min: 1, max: 20 }),
    k: fc.integer({ min: 1, max: 12 }),
    inner: fc.constantFrom(1, 2, 3, 8, 16, 17, 33, 300),
    each: fc.constantFrom(0, 1),
  })
  .map((p) => ({ ...p, whole: p.outer * p.n * p.inner, moved: p.outer * p.k * p.inner }))

onAllEngines((machines) => {
  it('reads from the places that an index names', () => {
    fc.assert(
      fc.property(sizes, values, ({ whole, moved, ...p }, rng) => {
        const index = places(rng, p.each ? moved : p.k, p.n)
        expectAgreement(machines, {
          operands: { x: uniform(rng, whole), index, y: blank(moved) },
          call: (at) => call(gather, { ...p, x: at.x, index: at.index, y: at.y }),
          writes: { y: exact },
        })
      }),
      draws(),
    )
  })

  it.each(Object.entries(SCATTER))('puts into them: %s', (name, mode) => {
    fc.assert(
      fc.property(sizes, values, ({ whole, moved, ...p }, rng) => {
        const index = places(rng, p.each ? moved : p.k, p.n)
        expectAgreement(machines, {
          operands: { updates: uniform(rng, moved), index, y: uniform(rng, whole) },
          call: (at) => call(scatter, { mode, ...p, updates: at.updates, index: at.index, y: at.y }),
          writes: { y: name === 'add' || name === 'mul' ? () => (p.k + 1) ** 2 * ROUNDING : exact },
        })
      }),
      draws(),
    )
  })

  it('the largest and the smallest, of equals the first', () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom(0, 1), fc.constantFrom(3, 1e6), values, (p, largest, range, rng) => {
        const { outer, n, inner, whole } = p
        const k = Math.min(p.k, n)
        const x = Array.from({ length: whole }, () => (rng.below(20) === 0 ? Number.NaN : rng.below(range) - 1))
        const moved = outer * k * inner
        expectAgreement(machines, {
          operands: { x, y: blank(moved), index: blank(moved) },
          call: (at) => call(topK, { outer, n, k, inner, largest, x: at.x, y: at.y, index: at.index }),
          writes: { y: exact, index: exact },
        })
      }),
      draws(),
    )
  })

  it('the largest of many, of both signs and infinite', () => {
    fc.assert(
      fc.property(fc.integer({ min: 500, max: 3000 }), fc.integer({ min: 1, max: 400 }), values, (n, k, rng) => {
        const x = [...uniform(rng, n), Infinity, -Infinity, 0, -0]
        const sizes = { outer: 1, n: x.length, k, inner: 1, largest: 1 }
        expectAgreement(machines, {
          operands: { x, y: blank(k), index: blank(k) },
          call: (at) => call(topK, { ...sizes, x: at.x, y: at.y, index: at.index }),
          writes: { y: exact, index: exact },
        })
      }),
      draws(20),
    )
  })
})

it('more than there are, or than can be put in order, are refused', () => {
  const run = (n: number, k: number) => () =>
    Program.assemble([call(topK, { outer: 1, n, k, inner: 1, largest: 1, x: 0, y: 0, index: 0 })], n)
  expect(run(5, 6)).toThrow('there are no 6 largest of 5 values')
  expect(run(200_000, 100_000)).toThrow('100000 values are more than the 98304 that are put in order')
})
