import fc from 'fast-check'
import { it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { reduce } from '../../../src/engine/kernels/reduce.ts'
import { onEveryEngine } from '../../support/engines.ts'
import { blank, expectAgreement, ROUNDING, values } from '../../support/kernel-case.ts'
import { layoutOf, strided } from '../../support/strided.ts'

const little = fc.constantFrom(1, 1, 2, 3)
const long = fc.constantFrom(1, 2, 8, 17, 70)
const mean = fc.constantFrom(0, 1)

onEveryEngine((machines) => {
  it('sums over any dimensions of any strided tensor', () => {
    const sizes = fc.tuple(little, little, little, long, little, little, little, long)
    fc.assert(
      fc.property(sizes, layoutOf(8), mean, values, (n, layout, mean, rng) => {
        expectAgreement(machines, reduction(n, strided(n, layout, rng), mean))
      }),
    )
  })

  it.each([
    ['inner', [1, 1, 1, 37, 1, 1, 1, 3001], [0, 1, 2, 3, 4, 5, 6, 7]],
    ['outer', [1, 1, 1, 61, 1, 1, 1, 1500], [4, 5, 6, 7, 0, 1, 2, 3]],
    ['inner and outer', [1, 1, 1, 23, 1, 1, 65, 33], [6, 0, 1, 2, 3, 4, 5, 7]],
  ])('sums over %s dimensions of a large tensor', (_name, sizes, order) => {
    fc.assert(
      fc.property(mean, values, (mean, rng) => {
        const x = strided(sizes, { order, repeated: sizes.map(() => false), step: 1 }, rng)
        expectAgreement(machines, reduction(sizes, x, mean))
      }),
      { numRuns: 4 },
    )
  })
})

/** The first four sizes stay, the others are summed. */
function reduction(n: number[], x: { strides: number[]; floats: number[] }, mean: number) {
  const s = x.strides
  const summed = n[4] * n[5] * n[6] * n[7]
  return {
    operands: { x: x.floats, y: blank(n[0] * n[1] * n[2] * n[3]) },
    call: (at: Record<string, number>) =>
      call(reduce, {
        mean,
        x: at.x,
        y: at.y,
        d0: n[0],
        d1: n[1],
        d2: n[2],
        d3: n[3],
        s0: s[0],
        s1: s[1],
        s2: s[2],
        s3: s[3],
        r0: n[4],
        r1: n[5],
        r2: n[6],
        r3: n[7],
        t0: s[4],
        t1: s[5],
        t2: s[6],
        t3: s[7],
      }),
    writes: { y: (_want: number, magnitude: number) => (summed + 2) * ROUNDING * magnitude },
  }
}
