/** @file What can be set of the search of the Combinatorial Brain Surgeon: each setting has its effect. */
import { expect, it } from 'vitest'
import { pruneBy } from '../../../src/methods/prune-by.ts'
import { dataOf, machine, model } from '../../train/small.ts'

const data = dataOf({ train: 200 })

/** Exchanges of a search as coded (no pass for idle weights), its passes, and start masks that were tried. */
async function search(settings: object) {
  const texts: string[] = []
  const { result } = await pruneBy('cbs-select', {
    machine,
    model,
    data,
    sparsity: 0.8,
    settings: { samples: 50, judge: 50, faithful: true, candidates: 1, epsilon: 1e-7, ...settings },
    onProgress: (_, text) => texts.push(text),
  })
  const count = (pattern: RegExp) => texts.filter((text) => pattern.test(text)).length
  return { swaps: result.stages![0].search!.swaps, starts: count(/^start mask /), passes: count(/^pass /) }
}

it('candidates: start masks', async () => {
  expect((await search({ candidates: 3, passes: 1 })).starts).toBe(3)
  expect((await search({ candidates: undefined, passes: 1 })).starts).toBe(50)
})

it('epsilon: exchanges that bring less are not made', async () => {
  const { swaps } = await search({ passes: 3 })
  const fewer = (await search({ passes: 3, epsilon: 1e-4 })).swaps
  expect(fewer).toBeGreaterThan(0)
  expect(swaps).toBeGreaterThan(fewer)
  expect(await search({ epsilon: 1e3 })).toMatchObject({ swaps: 0, passes: 1 })
})

it('rho and tau: how many partners and failures a pass bears', async () => {
  const { swaps } = await search({ passes: 2 })
  expect((await search({ passes: 2, rho: 1 })).swaps).toBeLessThan(swaps)
  expect((await search({ passes: 2, tau: 1 })).swaps).toBeLessThan(swaps)
})

it('passes and patience: when a search ends', async () => {
  expect((await search({ passes: 3 })).passes).toBe(3)
  const [few, many] = [await search({ patience: 2 }), await search({ patience: 30, passes: 40 })]
  expect(few.passes).toBeLessThan(many.passes)
})
