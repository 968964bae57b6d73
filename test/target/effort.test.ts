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
      expect(effortOf(name)).toEqual({ sparsities: USUAL_LEVELS, judges: 1000 })
  })

  it('is fewer levels and samples where a forward pass is dear, but never fewer than sixteen', () => {
    const { sparsities, judges } = effortOf('resnet50')
    expect(sparsities).toEqual(FEW_LEVELS)
    expect(judges).toBe(16)
    const small = effortOf('mobilenet-v1')
    expect(small.judges).toBeGreaterThan(16)
    expect(small.judges).toBeLessThan(1000)
  })
})
