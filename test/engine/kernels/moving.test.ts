import fc from 'fast-check'
import { expect, it } from 'vitest'
import { floatBits } from '../../../src/engine/bits.ts'
import { call } from '../../../src/engine/kernel.ts'
import { clip, dropoutMask, place, zero } from '../../../src/engine/kernels/elementwise.ts'
import { openReference } from '../../../src/engine/machines/reference.ts'
import { Program } from '../../../src/engine/program.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, exact, expectAgreement, size, uniform, values } from '../../support/kernel-case.ts'
import { dims, type Layout, layoutOf, strided } from '../../support/strided.ts'

/** Every element has a place of its own. */
const apart = layoutOf(4).map((layout): Layout => ({ ...layout, repeated: [false, false, false, false] }))

onAllEngines((machines) => {
  it('places values with strides and leaves what lies between alone', () => {
    fc.assert(
      fc.property(dims, apart, values, (d, layout, rng) => {
        const { floats, strides: so } = strided(d, layout, rng)
        expectAgreement(machines, {
          operands: { x: uniform(rng, d[0] * d[1] * d[2] * d[3]), out: floats },
          call: (at) =>
            call(place, {
              d0: d[0],
              d1: d[1],
              d2: d[2],
              d3: d[3],
              x: at.x,
              out: at.out,
              so0: so[0],
              so1: so[1],
              so2: so[2],
              so3: so[3],
            }),
          writes: { out: exact },
        })
      }),
      draws(),
    )
  })

  it('zeros', () => {
    fc.assert(
      fc.property(size, (n) =>
        expectAgreement(machines, {
          operands: { y: blank(n) },
          call: (at) => call(zero, { n, y: at.y }),
          writes: { y: exact },
        }),
      ),
      draws(),
    )
  })

  it.each([0, 1])('clip between two limits, in place or not; gradient: %i', (gradient) => {
    const limits = fc.constantFrom([-0.5, 0.25], [0, 6], [0.1, 0.1], [-Infinity, 0], [-0.5, Infinity])
    fc.assert(
      fc.property(size, limits, fc.boolean(), values, (n, [low, high], inPlace, rng) => {
        const edges = [low, high, 0, Infinity, -Infinity, NaN].map(Math.fround)
        const x = uniform(rng, n + edges.length)
        expectAgreement(machines, {
          operands: {
            x,
            limited: [...uniform(rng, n), ...edges],
            low: [Math.fround(low)],
            high: [Math.fround(high)],
            y: blank(x.length),
          },
          call: (at) => {
            const y = inPlace ? (gradient ? at.x : at.limited) : at.y
            return call(clip, { gradient, n: x.length, x: at.x, limited: at.limited, low: at.low, high: at.high, y })
          },
          writes: inPlace ? { [gradient ? 'x' : 'limited']: exact } : { y: exact },
        })
      }),
      draws(),
    )
  })

  it('masks of dropout', () => {
    const counters = fc.oneof(fc.nat(100), fc.integer({ min: 0, max: 2 ** 24 - 1 }))
    const ratios = fc.constantFrom(0, 0.1, 0.5, 0.999)
    fc.assert(
      fc.property(size, fc.nat(), counters, ratios, (n, stream, counter, ratio) => {
        expectAgreement(machines, {
          operands: { counter: [counter], mask: blank(n) },
          call: (at) =>
            call(dropoutMask, {
              n,
              stream,
              threshold: Math.round(ratio * 2 ** 31),
              keep: floatBits(1 / (1 - ratio)),
              counter: at.counter,
              mask: at.mask,
            }),
          writes: { mask: exact },
        })
      }),
      draws(),
    )
  })
})

it('dropout drops its share, and another one in every step and layer', () => {
  const n = 40_000
  const masks = [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ].map(([stream, counter]) => {
    const keep = floatBits(1 / 0.7)
    const mask = call(dropoutMask, { n, stream, threshold: Math.round(0.3 * 2 ** 31), keep, counter: n, mask: 0 })
    const arena = openReference().allocate(n + 1)
    arena.floats[n] = counter
    arena.run(Program.assemble([mask], n + 1))
    return arena.floats.slice(0, n)
  })
  // Five standard deviations.
  const near = (share: number, expected: number) =>
    expect(Math.abs(share - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / n))
  for (const [i, mask] of masks.entries()) {
    near(mask.filter((value) => value === 0).length / n, 0.3)
    near(mask.filter((value, j) => value === 0 && mask[(j + 1) % n] === 0).length / n, 0.09)
    for (const other of masks.slice(i + 1))
      near(mask.filter((value, j) => value === 0 && other[j] === 0).length / n, 0.09)
  }
})
