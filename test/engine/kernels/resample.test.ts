import fc from 'fast-check'
import { expect, it } from 'vitest'
import { signedFloatBits } from '../../../src/engine/bits.ts'
import { call } from '../../../src/engine/kernel.ts'
import { resample } from '../../../src/engine/kernels/moving.ts'
import { Program } from '../../../src/engine/program.ts'
import type { Random } from '../../../src/util/random.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, exact, expectAgreement, ROUNDING, uniform, values } from '../../support/kernel-case.ts'

const sizes = fc.record({
  outer: fc.integer({ min: 1, max: 4 }),
  n: fc.integer({ min: 1, max: 9 }),
  m: fc.integer({ min: 1, max: 12 }),
  inner: fc.constantFrom(1, 2, 3, 8, 16, 17, 33, 4100),
})

/** Rows of up to `most` nonzeros, some of them empty. */
function table(rng: Random, m: number, n: number, most: number) {
  const counts = Array.from({ length: m }, () => rng.below(most + 1))
  const starts = [0]
  for (const count of counts) starts.push(starts[starts.length - 1] + count)
  const places = Array.from({ length: starts[m] }, () => rng.below(n))
  return { count: starts[m], starts, places }
}

onAllEngines((machines) => {
  it('weighted sums of places', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 6 }), values, ({ outer, n, m, inner }, most, rng) => {
        const { count, starts, places } = table(rng, m, n, most)
        const list = [...starts, ...places, ...uniform(rng, count).map(signedFloatBits)]
        expectAgreement(machines, {
          operands: { x: uniform(rng, outer * n * inner), y: blank(outer * m * inner) },
          call: (at) => call(resample, { outer, n, m, inner, count, x: at.x, y: at.y }, list),
          writes: { y: () => most ** 2 * ROUNDING },
        })
      }),
      draws(),
    )
  })

  it('what is only moved stays as it is, infinite or not', () => {
    fc.assert(
      fc.property(sizes, values, ({ outer, n, m, inner }, rng) => {
        const { count, starts, places } = table(rng, m, n, 1)
        const x = uniform(rng, outer * n * inner).map((value) => (rng.below(9) === 0 ? value * Infinity : value))
        expectAgreement(machines, {
          operands: { x, y: blank(outer * m * inner) },
          call: (at) =>
            call(resample, { outer, n, m, inner, count, x: at.x, y: at.y }, [
              ...starts,
              ...places,
              ...places.map(() => signedFloatBits(1)),
            ]),
          writes: { y: exact },
        })
      }),
      draws(),
    )
  })
})

it('tables that name other places, or whose rows are not all of them, are refused', () => {
  const run = (starts: number[], places: number[]) => () => {
    const list = [...starts, ...places, ...places.map(() => signedFloatBits(1))]
    const sizes = { outer: 1, n: 3, m: 2, inner: 1, count: places.length }
    return Program.assemble([call(resample, { ...sizes, x: 0, y: 3 }, list)], 5)
  }
  expect(run([0, 1, 2], [2, 0])).not.toThrow()
  expect(run([0, 1, 2], [2, 3])).toThrow('the table has the place 3 of 3')
  expect(run([0, 1, 2], [-1, 2])).toThrow('the table has the place -1 of 3')
  expect(run([0, 3, 2], [2, 0])).toThrow('row 1 of the table ends before it begins')
  expect(run([0, 1, 1], [2, 0])).toThrow('the rows of the table are not all of it')
  expect(run([1, 1, 2], [2, 0])).toThrow('the rows of the table are not all of it')
  expect(run([0, 2], [2, 0])).toThrow('the table has 6 numbers')
})
