import fc from 'fast-check'
import { it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { REDUCE, reduce } from '../../../src/engine/kernels/reduce.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, exact, expectAgreement, ROUNDING, values } from '../../support/kernel-case.ts'
import { layoutOf, strided } from '../../support/strided.ts'

const little = fc.constantFrom(1, 1, 2, 3)
const long = fc.constantFrom(1, 2, 8, 17, 70)
const kinds = fc.constantFrom(...Object.values(REDUCE))

onAllEngines((machines) => {
  it('reduces over any dimensions of any strided tensor', () => {
    const sizes = fc.tuple(little, little, little, long, little, little, little, long)
    fc.assert(
      fc.property(sizes, layoutOf(8), kinds, values, (n, layout, kind, rng) => {
        expectAgreement(machines, reduction(n, strided(n, layout, rng), kind))
      }),
      draws(),
    )
  })

  it.each([
    ['inner', [1, 1, 1, 37, 1, 1, 1, 3001], [0, 1, 2, 3, 4, 5, 6, 7]],
    ['outer', [1, 1, 1, 61, 1, 1, 1, 1500], [4, 5, 6, 7, 0, 1, 2, 3]],
    ['inner and outer', [1, 1, 1, 23, 1, 1, 65, 33], [6, 0, 1, 2, 3, 4, 5, 7]],
  ])('reduces over %s dimensions of a large tensor', (_name, sizes, order) => {
    fc.assert(
      fc.property(kinds, values, (kind, rng) => {
        const x = strided(sizes, { order, repeated: sizes.map(() => false), step: 1 }, rng)
        expectAgreement(machines, reduction(sizes, x, kind))
      }),
      draws(8),
    )
  })

  it.each(['Max', 'Min'] as const)('%s is NaN where a value is, and infinite where all are', (name) => {
    const rows = [
      [1, Number.NaN, 2, 3, 4, 5, 6, 7, 8],
      [1, 2, 3, 4, 5, 6, 7, 8, Number.NaN],
      Array(9).fill(name === 'Max' ? -Infinity : Infinity),
      [-0.5, -1, -2, -3, -4, -5, -6, -7, -8],
      [0.5, 1, 2, 3, 4, 5, 6, 7, 8],
    ]
    const floats = rows.flat()
    for (const strides of [
      [0, 0, 0, 9, 0, 0, 0, 1],
      [0, 0, 0, 1, 0, 0, 0, 5],
    ])
      expectAgreement(machines, reduction([1, 1, 1, 5, 1, 1, 1, 9], { floats, strides }, REDUCE[name]))
  })
})

/** The first four sizes stay, the others are reduced. Sums round at every term, products relatively. */
function reduction(n: number[], x: { strides: number[]; floats: number[] }, kind: number) {
  const s = x.strides
  const count = n[4] * n[5] * n[6] * n[7]
  const isSum = kind !== REDUCE.Max && kind !== REDUCE.Min
  const rounded = (_want: number, magnitude: number) =>
    (count + 2) * ROUNDING * magnitude + (kind === REDUCE.Prod ? count * 1.2e-38 : 0)
  return {
    operands: { x: x.floats, y: blank(n[0] * n[1] * n[2] * n[3]) },
    call: (at: Record<string, number>) =>
      call(reduce, {
        kind,
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
    writes: { y: isSum ? rounded : exact },
  }
}
