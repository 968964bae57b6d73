import { describe, expect, it } from 'vitest'
import { findModel } from '../../src/models/index.ts'
import { weightCosts } from '../../src/sparsity/multiply-adds.ts'
import { prunableTensors } from '../../src/sparsity/tensors.ts'
import { FEW_LEVELS, USUAL_LEVELS, usualEffort } from '../../src/target/effort.ts'

const effortOf = (name: string) => {
  const model = findModel(name)
  return usualEffort(prunableTensors(model), weightCosts(model))
}

describe('how much a search measures where nobody says it', () => {
  it('is everything for small networks', () => {
    for (const name of ['lenet-300-100', 'resnet20'])
      expect(effortOf(name)).toEqual({ sparsities: USUAL_LEVELS, judges: 1000, tries: 24 })
  })

  it('is fewer choices of a method that looks at samples', () => {
    const model = findModel('resnet20')
    expect(usualEffort(prunableTensors(model), weightCosts(model), { method: 'bySamples' }).tries).toBe(12)
  })

  it('is fewer levels and samples where a forward pass is dear, but never fewer than sixteen', () => {
    expect(effortOf('resnet50')).toEqual({ sparsities: FEW_LEVELS, judges: 16, tries: 3 })
    const small = effortOf('mobilenet-v1')
    expect(small.judges).toBeGreaterThan(16)
    expect(small.judges).toBeLessThan(1000)
  })
})
