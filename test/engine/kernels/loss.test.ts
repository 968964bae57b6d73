import fc from 'fast-check'
import { it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { countCorrect, crossEntropy, crossEntropyGrad, softmax } from '../../../src/engine/kernels/loss.ts'
import type { Random } from '../../../src/util/random.ts'
import { draws } from '../../support/breadth.ts'
import { onAllEngines } from '../../support/engines.ts'
import { blank, exact, expectAgreement, ROUNDING, size, uniform, values } from '../../support/kernel-case.ts'

const classes = fc.constantFrom(1, 2, 3, 10, 100)
/** From nearly equal probabilities to overflow of e^x in float64. */
const spread = fc.constantFrom(1e-3, 1, 30, 1e4)

const logits = (rng: Random, n: number, spread: number) => uniform(rng, n).map((x) => Math.fround(x * spread))
const labels = (rng: Random, n: number, classes: number) => Array.from({ length: n }, () => rng.below(classes))

/** Roundings in the sum of `classes` exponentials and in what is divided by it; e^x is good to two. */
const sumError = (classes: number) => 5 + classes

onAllEngines((machines) => {
  it('softmax along any axis, whatever the size of the logits', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 3, 10), classes, size, spread, values, (outer, classes, inner, spread, rng) => {
        const n = outer * classes * inner
        expectAgreement(machines, {
          operands: { x: logits(rng, n, spread), y: blank(n) },
          call: (at) => call(softmax, { outer, classes, inner, x: at.x, y: at.y }),
          // The exponent's own rounding grows with its size, |log p|. Below the normal range p is 0 or tiny.
          writes: { y: (p) => (sumError(classes) + Math.abs(Math.log(p + 1e-44))) * ROUNDING * p + 1.3e-38 },
        })
      }),
      draws(),
    )
  })

  it('cross-entropy', () => {
    fc.assert(
      fc.property(classes, size, spread, values, (classes, n, spread, rng) => {
        expectAgreement(machines, {
          operands: { z: logits(rng, classes * n, spread), labels: labels(rng, n, classes), loss: blank(n) },
          call: (at) => call(crossEntropy, { classes, n, logits: at.z, labels: at.labels, loss: at.loss }),
          writes: { loss: (loss) => (sumError(classes) + 2 * loss) * ROUNDING },
        })
      }),
      draws(),
    )
  })

  it('cross-entropy of equal logits: the logarithm of a whole number', () => {
    for (const classes of [1, 2, 3, 5, 6, 7, 11, 12, 45, 46, 181, 182, 1000])
      expectAgreement(machines, {
        operands: { z: new Array<number>(classes * 5).fill(7), labels: [0, 0, 0, 0, 0], loss: blank(5) },
        call: (at) => call(crossEntropy, { classes, n: 5, logits: at.z, labels: at.labels, loss: at.loss }),
        writes: { loss: (loss) => 3 * ROUNDING * loss },
      })
  })

  it('the gradient of cross-entropy', () => {
    fc.assert(
      fc.property(classes, size, spread, values, (classes, n, spread, rng) => {
        const dloss = uniform(rng, n)
        const tolerance = (sumError(classes) + 1) * ROUNDING
        expectAgreement(machines, {
          operands: {
            z: logits(rng, classes * n, spread),
            labels: labels(rng, n, classes),
            dloss,
            dz: blank(classes * n),
          },
          call: (at) =>
            call(crossEntropyGrad, { classes, n, logits: at.z, labels: at.labels, dloss: at.dloss, dlogits: at.dz }),
          writes: { dz: () => tolerance },
        })
      }),
      draws(),
    )
  })

  it('counts correct samples; the first of equal logits wins', () => {
    fc.assert(
      fc.property(classes, size, values, (classes, n, rng) => {
        // Whole numbers from 0 to 2: ties almost everywhere. A NaN is never larger, and nothing is larger
        // than it.
        const z = Array.from({ length: classes * n }, () => (rng.below(50) ? rng.below(3) : Number.NaN))
        expectAgreement(machines, {
          operands: { z, labels: labels(rng, n, Math.min(classes, 3)), y: blank(1) },
          call: (at) => call(countCorrect, { classes, n, logits: at.z, labels: at.labels, y: at.y }),
          writes: { y: exact },
        })
      }),
      draws(),
    )
  })
})
