import fc from 'fast-check'
import { it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { loadAugmented, loadFloats, loadImages } from '../../../src/engine/kernels/data.ts'
import type { Random } from '../../../src/util/random.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, exact, expectAgreement, ROUNDING, size, uniform, values } from '../../support/kernel-case.ts'

/** Where no sample is; the kernel reads sample 0 then, never beside the data set. */
const outside = (count: number) => [-1, -0.5, count, count + 0.5, 1e9, 1e30, -1e30, Infinity, -Infinity, NaN]

/** Mostly indices of samples (whole or not), some outside the data set. */
const indices = (rng: Random, n: number, count: number) =>
  Array.from({ length: n }, (_, i) =>
    i % 3 === 2 ? Math.fround(outside(count)[rng.below(10)]) : rng.below(count) + (i % 2) / 4,
  )

onAllEngines((machines) => {
  it('loads normalized images from bytes', () => {
    // Batches of more than 1024 samples are loaded in chunks.
    const batches = fc.oneof(size, fc.constantFrom(1023, 1024, 1025, 2100))
    fc.assert(
      fc.property(
        batches,
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom(1, 3),
        fc.integer({ min: 1, max: 9 }),
        values,
        (batch, count, channels, plane, rng) => {
          expectAgreement(machines, {
            operands: {
              data: Uint8Array.from({ length: count * channels * plane }, () => rng.below(256)),
              index: indices(rng, batch, count),
              scale: uniform(rng, channels),
              shift: uniform(rng, channels),
              y: blank(batch * channels * plane),
            },
            call: (at) =>
              call(loadImages, {
                batch,
                count,
                channels,
                plane,
                data: at.data,
                index: at.index,
                scale: at.scale,
                shift: at.shift,
                y: at.y,
              }),
            // One product of up to 255 and one sum.
            writes: { y: () => 2 * 256 * ROUNDING },
          })
        },
      ),
      draws(),
    )
  })

  it('loads images that are cropped and flipped, padded with black or a reflection', () => {
    const side = fc.integer({ min: 1, max: 7 })
    const batches = fc.constantFrom(1, 3, 16, 17, 1025)
    fc.assert(
      fc.property(
        fc.tuple(batches, side, side),
        fc.constantFrom(0, 1, 2, 4),
        fc.constantFrom(0, 1),
        values,
        ([batch, h, w], pad, reflect, rng) => {
          const [count, channels] = [1 + rng.below(9), 1 + rng.below(3)]
          const corners = () => indices(rng, batch, 2 * pad + 1)
          expectAgreement(machines, {
            operands: {
              data: Uint8Array.from({ length: count * channels * h * w }, () => rng.below(256)),
              index: indices(rng, batch, count),
              change: [...corners(), ...corners(), ...Array.from({ length: batch }, () => rng.below(2))],
              scale: uniform(rng, channels),
              shift: uniform(rng, channels),
              y: blank(batch * channels * h * w),
            },
            call: (at) =>
              call(loadAugmented, {
                batch,
                count,
                channels,
                h,
                w,
                pad,
                reflect,
                data: at.data,
                index: at.index,
                change: at.change,
                scale: at.scale,
                shift: at.shift,
                y: at.y,
              }),
            writes: { y: () => 2 * 256 * ROUNDING },
          })
        },
      ),
      draws(),
    )
  })

  it('loads rows of floats: labels, arrays, outputs to compare with', () => {
    const batches = fc.oneof(size, fc.constantFrom(1023, 1025, 2100))
    const features = fc.integer({ min: 1, max: 40 })
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 20 }), features, values, (batch, count, features, rng) => {
        expectAgreement(machines, {
          operands: {
            data: uniform(rng, count * features),
            index: indices(rng, batch, count),
            y: blank(batch * features),
          },
          call: (at) => call(loadFloats, { batch, count, features, data: at.data, index: at.index, y: at.y }),
          writes: { y: exact },
        })
      }),
      draws(),
    )
  })
})
