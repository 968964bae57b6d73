/** @file Optimal Brain Damage: its saliency by hand, and stages with a damped diagonal. */
import { expect, it } from 'vitest'
import { compose, usualStages } from '../../../src/methods/second-order/composition.ts'
import { obdSaliency } from '../../../src/methods/second-order/obd/formulas.ts'

it('is F w^2 / 2, with the mean of the weights that are left added to F where it is damped', () => {
  const diagonal = Float64Array.of(0, 2, 4, 100)
  const weights = Float32Array.of(3, 1, 2, 0)
  expect([...obdSaliency(diagonal, weights, 0)]).toEqual([0, 1, 8, 0])
  // Mean of 0, 2 and 4 is 2: the weight that is 0 is not among them.
  expect([...obdSaliency(diagonal, weights, 1)]).toEqual([9, 2, 12, 0])
  expect([...obdSaliency(diagonal, weights, 0.5)]).toEqual([4.5, 1.5, 10, 0])
  expect([...obdSaliency(diagonal, new Float32Array(4), 1)]).toEqual([0, 0, 0, 0])
})

it('has stages by default, the fewer the less goes', () => {
  expect(usualStages(compose('obd'), 'layer', 1000, 1000)).toBe(1)
  expect(usualStages(compose('obd'), 'layer', 1000, 800)).toBe(1)
  expect(usualStages(compose('obd'), 'layer', 1000, 300)).toBe(6)
  expect(usualStages(compose('obd'), 'full', 1000, 300)).toBe(6)
  // 0.96^95 = 0.0207, 0.96^96 = 0.0199.
  expect(usualStages(compose('cbs-update'), 'full', 1000, 20)).toBe(96)
  expect(usualStages(compose('cbs-update'), 'layer', 1000, 20)).toBe(6)
  expect(usualStages(compose('cbs-select'), 'full', 1000, 20)).toBe(1)
})
