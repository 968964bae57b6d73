import fc from 'fast-check'
import { it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { averagePool, averagePoolGrad, maxPool } from '../../../src/engine/kernels/pooling.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, exact, expectAgreement, ROUNDING, uniform, values } from '../../support/kernel-case.ts'

const batches = fc.constantFrom(1, 2, 3, 8, 16, 17, 33, 40)
const pair = (least: number, most: number) =>
  fc.tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))

/** Windows of any size and stride, over padding that is less than the window on every side. */
const windows = fc
  .record({
    channels: fc.integer({ min: 1, max: 5 }),
    batch: batches,
    size: pair(1, 8),
    kernel: pair(1, 4),
    stride: pair(1, 3),
    pads: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(3)),
  })
  .map(({ channels, batch, size, kernel, stride, pads }) => {
    const [top, left, bottom, right] = pads.map((pad, i) => pad % kernel[i % 2])
    const [h, w] = size.map((n, axis) => Math.max(n, kernel[axis]))
    const oh = Math.floor((h + top + bottom - kernel[0]) / stride[0]) + 1
    const ow = Math.floor((w + left + right - kernel[1]) / stride[1]) + 1
    return { channels, batch, h, w, oh, ow, kh: kernel[0], kw: kernel[1], sy: stride[0], sx: stride[1], top, left }
  })
type Windows = typeof windows extends fc.Arbitrary<infer T> ? T : never

const inputFloats = (p: Windows) => p.channels * p.h * p.w * p.batch
const outputFloats = (p: Windows) => p.channels * p.oh * p.ow * p.batch

onAllEngines((machines) => {
  it('the largest of a window; the first of equals; NaN is the largest', () => {
    fc.assert(
      fc.property(windows, fc.boolean(), values, (p, diverged, rng) => {
        // Whole numbers from -2 to 0: ties almost everywhere, and no padding may win.
        const draw = () => (diverged && rng.below(20) === 0 ? Number.NaN : rng.below(3) - 2)
        expectAgreement(machines, {
          operands: {
            x: Array.from({ length: inputFloats(p) }, draw),
            y: blank(outputFloats(p)),
            index: blank(outputFloats(p)),
          },
          call: (at) => call(maxPool, { ...p, x: at.x, y: at.y, index: at.index }),
          writes: { y: exact, index: exact },
        })
      }),
      draws(),
    )
  })

  it('the mean of a window, padding counted or not', () => {
    fc.assert(
      fc.property(windows, fc.constantFrom(0, 1), values, (p, includePad, rng) => {
        expectAgreement(machines, {
          operands: { x: uniform(rng, inputFloats(p)), y: blank(outputFloats(p)) },
          call: (at) => call(averagePool, { ...p, x: at.x, y: at.y, includePad }),
          writes: { y: (_want, magnitude) => (p.kh * p.kw + 3) * ROUNDING * magnitude },
        })
      }),
      draws(),
    )
  })

  it('the gradient of the mean', () => {
    fc.assert(
      fc.property(windows, fc.constantFrom(0, 1), values, (p, includePad, rng) => {
        expectAgreement(machines, {
          operands: { gradient: uniform(rng, outputFloats(p)), dinput: blank(inputFloats(p)) },
          call: (at) => call(averagePoolGrad, { ...p, gradient: at.gradient, dinput: at.dinput, includePad }),
          writes: { dinput: (_want, magnitude) => (p.kh * p.kw + 3) * ROUNDING * magnitude },
        })
      }),
      draws(),
    )
  })
})
