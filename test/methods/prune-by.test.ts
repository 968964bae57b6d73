/** @file Any method of the registry by its name, from the library. */
import { expect, it } from 'vitest'
import type { MethodName } from '../../src/methods/index.ts'
import { type PruneByOptions, pruneBy } from '../../src/methods/prune-by.ts'
import { countKept } from '../../src/sparsity/mask.ts'
import { Network } from '../../src/train/network.ts'
import { UserError } from '../../src/util/errors.ts'
import { dataOf, machine, model } from '../train/small.ts'

const options: PruneByOptions = { machine, model, data: dataOf(), sparsity: 0.75 }

it.each<[MethodName, object]>([
  ['magnitude', {}],
  ['snip', { samples: 20 }],
  ['cbs', { samples: 20, judge: 20, stages: 1 }],
  ['obc', { samples: 20 }],
])('%s prunes exactly as many as asked for', async (name, settings) => {
  const { network, result } = await pruneBy(name, { ...options, settings })
  // 25 x 12 + 12 x 8 + 8 x 4 = 428 weights.
  expect(network.prunable.reduce((sum, tensor) => sum + countKept(network.mask(tensor.name)), 0)).toBe(107)
  expect(result.sparsity).toBeGreaterThanOrEqual(0.75)
})

it.each<[MethodName, object]>([
  ['magnitude', { refreshBatchNorm: 'auto', polish: 3 }],
  ['cbs', { samples: 20, judge: 20 }],
  ['obc', { samples: 20 }],
])('%s has nothing to do at a sparsity of 0', async (name, settings) => {
  const before = new Network({ machine, model, data: dataOf() })
  const { network, result } = await pruneBy(name, { ...options, sparsity: 0, settings })
  for (const tensor of network.stored) expect(network.values(tensor.name)).toEqual(before.values(tensor.name))
  expect(result).toMatchObject({ sparsity: 0, collapsed: [] })
  expect([result.statistics, result.polished, result.stages, result.gradients]).toEqual(Array(4).fill(undefined))
})

it('a budget of multiply-adds removes weights at a sparsity of 0, too', async () => {
  const { result } = await pruneBy('magnitude', { ...options, sparsity: 0, flops: 0.5 })
  expect(result.layers.reduce((sum, { kept }) => sum + kept, 0)).toBe(214)
})

it.each<[string, string, object, string]>([
  ['an unknown method', 'snp', {}, 'method: there is no "snp" (did you mean snip?)'],
  ['a setting of another family', 'obc', { settings: { judge: 3 } }, 'obc: unknown key judge'],
  [
    'a setting of another method',
    'magnitude',
    { settings: { samples: 3 } },
    'settings.samples: magnitude has no use for it, expected no such setting',
  ],
  [
    'a value',
    'snip',
    { settings: { samples: 0 } },
    'snip: samples: expected a whole number of at least 1, or all, found 0',
  ],
  ['a scope', 'cbs', { scope: 'erk' }, 'scope: there is no "erk"'],
  ['a sparsity', 'snip', { sparsity: 1 }, 'sparsity: expected a number from 0 to below 1, found 1'],
])('refuses %s in one sentence', async (_, name, given, message) => {
  const refused = await pruneBy(name as MethodName, { ...options, ...given }).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(UserError)
  expect((refused as Error).message).toContain(message)
  expect((refused as Error).message).not.toContain('\n')
})
