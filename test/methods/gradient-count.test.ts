/** @file How many gradients of single samples pruning says that it took: by hand from what was asked for. */
import { expect, it } from 'vitest'
import { synthetic } from '../../src/data/synthetic.ts'
import type { MethodName } from '../../src/methods/index.ts'
import { pruneBy } from '../../src/methods/prune-by.ts'
import { findModel } from '../../src/models/index.ts'
import { machine } from '../train/small.ts'

const data = synthetic()
const model = findModel('mlpnet')

async function taken(method: MethodName, settings: object) {
  // Of the large layer OBC would take most of a minute.
  const include = ['fc2.weight', 'fc3.weight']
  const { result } = await pruneBy(method, { machine, model, data, sparsity: 0.8, settings, include })
  return { own: result.gradients, polished: result.polished?.gradients }
}

it.each<[MethodName, object, number | undefined]>([
  ['magnitude', {}, undefined],
  ['random', {}, undefined],
  ['synflow', {}, undefined],
  ['snip', { samples: 150 }, 150],
  ['iter-snip', { samples: 60, rounds: 3 }, 180],
  // The gradient, then the product of each sample's Hessian with it.
  ['grasp', { samples: 80 }, 160],
  // Eight stages, since 0.8^7 is more than a fifth.
  ['obd', { samples: 70, judge: 100, polish: 0 }, 560],
  ['cbs', { samples: 30, judge: 100, stages: 3, polish: 0 }, 90],
  ['woodfisher', { samples: 20, miniBatch: 5, judge: 100, stages: 2, polish: 0 }, 200],
  ['obc', { samples: 50, polish: 0 }, undefined],
])('%s with %o takes %s', async (method, settings, expected) => {
  expect(await taken(method, settings)).toEqual({ own: expected, polished: undefined })
})

it('rounds of updates count their own, and those between stages of obc, once', async () => {
  // A round takes half of the 2,000 training samples.
  expect(await taken('obd', { samples: 70, judge: 100, stages: 1, polish: 1 })).toEqual({ own: 70, polished: 1000 })
  const between = await taken('obc', { samples: 50, stages: 2, polish: 0 })
  expect(between.polished).toBeUndefined()
  expect(between.own! % 1000).toBe(0)
  expect(between.own).toBeGreaterThan(0)
  const whole = await taken('obc', { samples: 50, stages: 2, polish: 1 })
  expect(whole).toEqual({ own: undefined, polished: between.own! + 1000 })
})
