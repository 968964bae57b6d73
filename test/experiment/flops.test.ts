/**
 * @file Recipes with a budget of multiply-adds: what stays at every event, what the run says, what is
 * refused.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { pruningEvents } from '../../src/sparsity/schedule.ts'
import { trunkOf } from '../../src/sweep/trunk.ts'
import { UserError } from '../../src/util/errors.ts'
import { jsonLines } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { best } from '../support/engines.ts'
import { tiny } from './tiny.ts'

const SIZE = 32_360

it('the share follows the schedule; metrics and report say what is left', async () => {
  const out = join(temporaryFolder(), 'run')
  // A weight of a linear layer costs one multiply-add, so that the share is that of weights.
  const prune = { ...tiny.prune, flops: 0.05 }
  const { result } = await runRecipe(checkRecipe({ ...tiny, prune }, 'tiny'), { machine: best, out })
  const left = SIZE - Math.round(0.95 * SIZE)
  expect(result!.multiplyAdds).toEqual({ dense: SIZE, kept: left })
  expect(result!.layers.reduce((sum, { kept }) => sum + kept, 0)).toBe(left)
  const found = jsonLines(readFileSync(join(out, 'metrics.jsonl'), 'utf8')).filter(({ type }) => type === 'prune')
  const events = pruningEvents({ kind: 'cubic', sparsity: 0.9, start: 10, end: 40, every: 5 })
  expect(found.map(({ step }) => step)).toEqual(events.map(({ step }) => step))
  found.forEach(({ target, multiplyAdds }, i) => {
    expect(target).toBe(events[i].sparsity)
    expect(multiplyAdds).toEqual({ dense: SIZE, kept: SIZE - Math.round(events[i].at(0.95) * SIZE) })
  })
  expect(readFileSync(join(out, 'report.md'), 'utf8')).toContain(
    '\n1,618 of the 32,360 multiply-adds of a sample in the prunable layers are left (5.00 %).\n',
  )
})

it('of convolutions the dear ones give way, at every event of second-order pruning too', async () => {
  const secondOrder = { samples: 20, judge: 50, polish: 0, stages: 2, refreshBatchNorm: 'none' }
  const prune = {
    method: 'obd',
    sparsity: 0.8,
    flops: 0.1,
    schedule: 'exponential',
    start: '10it',
    end: '20it',
    every: '10it',
    secondOrder,
  }
  const run = { ...tiny, model: { name: 'lenet-5' }, train: { ...tiny.train, epochs: 1, batch: 50 }, prune }
  const out = join(temporaryFolder(), 'run')
  const { result } = await runRecipe(checkRecipe(run, 'tiny'), { machine: best, out })
  const { dense, kept } = result!.multiplyAdds!
  expect(kept).toBeLessThanOrEqual(Math.round(0.1 * dense))
  expect(kept).toBeGreaterThan(0.099 * dense)
  const found = jsonLines(readFileSync(join(out, 'metrics.jsonl'), 'utf8')).filter(({ type }) => type === 'prune')
  const first = found[0].multiplyAdds as { kept: number }
  expect(first.kept / dense).toBeGreaterThan(0.31)
  expect(first.kept / dense).toBeLessThanOrEqual(Math.sqrt(0.1) + 1e-6)
  expect(result!.layers.reduce((sum, layer) => sum + layer.kept, 0)).toBeLessThanOrEqual(
    0.2 * result!.layers.reduce((sum, { size }) => sum + size, 0),
  )
}, 120_000)

it.each<[object, string]>([
  [{ flops: 0 }, 'tiny: prune.flops: expected more than 0, found 0'],
  [{ flops: 1.1 }, 'tiny: prune.flops: expected at most 1, found 1.1'],
  [{ flops: '30%' }, 'tiny: prune.flops: expected a value of type number, found "30%"'],
  [
    { flops: 0.5, scope: 'erk' },
    'tiny: prune.flops: needs one ranking over all layers, expected scope global, found erk',
  ],
  [
    { flops: 0.5, granularity: '2:4' },
    'tiny: prune.flops: single weights compete for it, expected prune.granularity weight, found 2:4',
  ],
  [{ flops: 0.5, initial: 0.2 }, 'tiny: prune.flops: does not go with prune.initial'],
  [
    { flops: 0.5, method: 'cbs' },
    'tiny: prune.flops: cbs does not choose weights by scores that a budget of multiply-adds could weigh',
  ],
  [
    { flops: 0.5, method: 'obc' },
    'tiny: prune.flops: obc does not choose weights by scores that a budget of multiply-adds could weigh',
  ],
])('refused: %o', (changes, message) => {
  const read = () => checkRecipe({ ...tiny, prune: { ...tiny.prune, ...changes } }, 'tiny')
  expect(read).toThrow(UserError)
  expect(read).toThrow(message)
})

it('runs of another share train the same until the first event', () => {
  const trunk = (changes: object) => trunkOf(checkRecipe({ ...tiny, prune: { ...tiny.prune, ...changes } }, 'tiny'))
  expect(trunk({ flops: 0.2 })).toBe(trunk({}))
})
