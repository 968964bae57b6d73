import fc from 'fast-check'
import { it } from 'vitest'
import { floatBits } from '../../../src/engine/bits.ts'
import { call } from '../../../src/engine/kernel.ts'
import {
  applyMask,
  factoredSgd,
  groupLasso,
  sgd,
  sparseGroupLasso,
  tieGradient,
} from '../../../src/engine/kernels/optimizer.ts'
import type { Random } from '../../../src/util/random.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, exact, expectAgreement, ROUNDING, size, uniform, values } from '../../support/kernel-case.ts'
import { densities, patternOf, randomPositions } from '../../support/sparse-weights.ts'

/** All terms are below 2; what the mask takes away is exactly 0. */
const rounded = (want: number) => (want === 0 ? 0 : 16 * ROUNDING)

/** Gradients are below 1, what is added is at most lambda = 0.5. */
const ofGroup = (weights: number) => () => (weights + 8) * ROUNDING

const bits = (rng: Random, n: number) => Array.from({ length: n }, () => rng.below(2))

onAllEngines((machines) => {
  it('a step of SGD, with and without momentum, Nesterov, decay, L1 and a mask', () => {
    const factor = fc.constantFrom(0, 0.1, 0.9)
    fc.assert(
      fc.property(
        size,
        factor,
        factor,
        factor,
        fc.constantFrom(0, 1),
        fc.constantFrom(0, 1),
        values,
        (n, momentum, decay, l1, nesterov, masked, rng) => {
          const hyper = [0.05, momentum, decay, nesterov, l1].map(Math.fround)
          const [w, g, v] = [uniform(rng, n), uniform(rng, n), uniform(rng, n)]
          // The sign of nothing is 0.
          for (let i = 0; i < n; i += 3) w[i] = 0
          const mask = masked ? bits(rng, n) : []
          expectAgreement(machines, {
            operands: { w, g, v, mask, hyper },
            call: (at) => call(sgd, { n, w: at.w, g: at.g, v: at.v, mask: at.mask, masked, hyper: at.hyper }),
            writes: { w: rounded, v: rounded },
          })
        },
      ),
      draws(),
    )
  })

  it('a step of SGD on the factors of a weight, with and without momentum, Nesterov, decay and L1', () => {
    const factor = fc.constantFrom(0, 0.1, 0.9)
    fc.assert(
      fc.property(
        size,
        factor,
        factor,
        factor,
        fc.constantFrom(0, 1),
        values,
        (n, momentum, decay, l1, nesterov, rng) => {
          const hyper = [0.05, momentum, decay, nesterov, l1].map(Math.fround)
          const [g, m, mv, u, uv] = Array.from({ length: 5 }, () => uniform(rng, n))
          // The product before the step is only asked for its sign.
          const w = m.map((value, i) => Math.sign(value * u[i]) * (i % 3 === 0 ? 0 : 0.5))
          const mask = bits(rng, n)
          expectAgreement(machines, {
            operands: { w, g, m, mv, u, uv, mask, hyper },
            call: (at) =>
              call(factoredSgd, {
                n,
                w: at.w,
                g: at.g,
                m: at.m,
                mv: at.mv,
                u: at.u,
                uv: at.uv,
                mask: at.mask,
                hyper: at.hyper,
              }),
            writes: { w: rounded, m: rounded, mv: rounded, u: rounded, uv: rounded },
          })
        },
      ),
      draws(),
    )
  })

  it('gradients of tied weights: sums and means over copies, of runs of weights too', () => {
    fc.assert(
      fc.property(
        size.chain((units) => fc.tuple(fc.constant(units), fc.integer({ min: 1, max: units }))),
        fc.constantFrom(1, 3, 9),
        fc.constantFrom(0, 1),
        values,
        ([units, entries], block, mean, rng) => {
          const order = Int32Array.from(rng.permutation(units))
          const copies = Math.ceil(units / entries)
          expectAgreement(machines, {
            operands: {
              g: uniform(rng, units * block),
              order: new Uint8Array(order.buffer),
              y: blank(units * block),
            },
            call: (at) => call(tieGradient, { units, entries, block, g: at.g, order: at.order, y: at.y, mean }),
            writes: { y: (_, magnitude) => copies * ROUNDING * magnitude + ROUNDING * magnitude },
          })
        },
      ),
      draws(),
    )
  })

  it('units of an order that lie outside are left out', () => {
    const order = new Uint8Array(Int32Array.of(2, -1, 7, 0).buffer)
    expectAgreement(machines, {
      operands: { g: [1, 2, 3, 4], order, y: [9, 9, 9, 9] },
      call: (at) => call(tieGradient, { units: 4, entries: 2, block: 1, g: at.g, order: at.order, y: at.y, mean: 0 }),
      writes: { y: exact },
    })
  })

  it('the gradient of the group lasso, of groups of zeros too', () => {
    fc.assert(
      fc.property(size, fc.constantFrom(1, 4, 9, 25), values, (groups, block, rng) => {
        const w = uniform(rng, groups * block).map((x, i) => (Math.floor(i / block) % 3 === 1 || x > 0.7 ? 0 : x))
        expectAgreement(machines, {
          operands: { g: uniform(rng, w.length), w, y: blank(w.length) },
          call: ({ g, w, y }) => call(groupLasso, { groups, block, g, w, y, lambda: floatBits(0.5) }),
          writes: { y: ofGroup(block) },
        })
      }),
      draws(),
    )
  })

  it('the same of nonzeros alone: groups of what is left of a kernel', () => {
    const side = fc.integer({ min: 1, max: 9 })
    fc.assert(
      fc.property(
        side,
        side,
        fc.constantFrom(1, 3),
        fc.constantFrom(...densities),
        values,
        (out, channels, k, density, rng) => {
          const shape = [out, channels, k, k]
          const positions = randomPositions(rng, shape, density)
          const capacity = positions.length + 3
          const { starts, places } = patternOf(shape, positions, capacity)
          const bytes = (ints: Int32Array) => new Uint8Array(ints.buffer)
          expectAgreement(machines, {
            operands: {
              g: uniform(rng, capacity),
              w: uniform(rng, capacity),
              y: blank(capacity),
              starts: bytes(starts),
              places: bytes(places),
            },
            call: ({ g, w, starts, places, y }) =>
              call(sparseGroupLasso, { out, kernel: k * k, capacity, g, w, starts, places, y, lambda: floatBits(0.5) }),
            writes: { y: ofGroup(k * k) },
          })
        },
      ),
      draws(),
    )
  })

  it('a pattern that lies outside is left out', () => {
    const bytes = (...ints: number[]) => new Uint8Array(Int32Array.from(ints).buffer)
    const sizes = { out: 2, kernel: 9, capacity: 2, lambda: floatBits(0.5) }
    expectAgreement(machines, {
      operands: { g: [1, 0.5], w: [3, 4], starts: bytes(-7, 9, 99), places: bytes(1, 5), y: [8, 8] },
      call: ({ g, w, starts, places, y }) => call(sparseGroupLasso, { ...sizes, g, w, starts, places, y }),
      writes: { y: ofGroup(2) },
    })
  })

  it('masks are exact: pruned values become 0, the others stay', () => {
    fc.assert(
      fc.property(size, values, (n, rng) => {
        expectAgreement(machines, {
          operands: { x: uniform(rng, n), mask: bits(rng, n) },
          call: (at) => call(applyMask, { n, x: at.x, mask: at.mask }),
          writes: { x: exact },
        })
      }),
      draws(),
    )
  })
})
