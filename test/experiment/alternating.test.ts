/**
 * @file Recipes with alternating phases: what a run leaves, that it resumes bit for bit from either kind of
 * phase, and what is refused.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dryRun } from '../../src/experiment/plan/dry-run.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import type { RunEvent } from '../../src/experiment/run/events.ts'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { trunkOf } from '../../src/sweep/trunk.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { runUntil, type Stoppable } from './stoppable.ts'
import { tiny } from './tiny.ts'

const phases = { method: 'magnitude', sparsity: 0.9, schedule: 'alternating', start: '1ep', end: '3ep', every: '10it' }

/** 60 steps: sparse at 15 and 35, dense from 25 on and from 45 on is left out, sparse for good at 45. */
const recipe = ({ prune, ...changes }: { prune?: object; model?: object; train?: object; rewire?: object } = {}) =>
  checkRecipe({ ...tiny, prune: { ...phases, ...prune }, ...changes }, 'tiny')

const run = async (kernels: string, options: Stoppable): Promise<RunEvent[]> =>
  (await runUntil(recipe({ train: { ...tiny.train, kernels } }), options)).events

describe.each(['dense', 'sparse'])('on %s kernels', (kernels) => {
  it('a run that is stopped in a sparse and in a dense phase ends with the same bits', async () => {
    const [whole, parts] = [join(temporaryFolder(), 'run'), join(temporaryFolder(), 'run')]
    const events = await run(kernels, { out: whole })
    for (const stopAt of [20, 25, 31, 50]) await run(kernels, { out: parts, stopAt, resume: stopAt > 20 })
    await run(kernels, { out: parts, resume: true })
    for (const file of ['model.safetensors', 'dense.safetensors'])
      expect(readFileSync(join(parts, file)).equals(readFileSync(join(whole, file))), file).toBe(true)

    const pruned = events.filter((event) => event.type === 'prune')
    expect(pruned.map(({ step, target }) => [step, target])).toEqual([
      [15, 0.9],
      [25, 0],
      [45, 0.9],
    ])
    for (const { sparsity, target } of pruned) expect(sparsity).toBeCloseTo(target, 4)
    const epochs = events.filter((event) => event.type === 'epoch')
    expect(epochs.map(({ sparsity }) => Math.round(10 * sparsity) / 10)).toEqual([0.9, 0, 0.9, 0.9])
    const zeros = (file: string) => {
      const { dtype, data } = readSafetensors(join(whole, file)).tensors.get('fc1.weight')!
      expect(dtype).toBe('F32')
      return new Float32Array(Uint8Array.from(data).buffer).filter((w) => w === 0).length
    }
    // The dense network is that of the end of the last dense phase.
    expect(zeros('dense.safetensors')).toBeLessThan(5000)
    expect(readFileSync(join(whole, 'report.md'), 'utf8')).toMatch(/just before the last pruning event\./)
  }, 60_000)
})

it('a dry run makes the checks of a run', async () => {
  expect(await dryRun(recipe())).toMatchObject({ steps: 60 })
  await expect(dryRun(recipe({ prune: { end: '25it' } }))).rejects.toThrow(
    'prune.end: expected a time after start + every with alternating phases, found start 1ep, end 25it, every 10it',
  )
})

it('nothing of the phases is known before the first: sweeps share the warm-up', () => {
  const trunk = trunkOf(recipe())
  expect(trunkOf(recipe({ prune: { sparsity: 0.5, every: '5it', end: '2ep', scope: 'layerwise' } }))).toBe(trunk)
  expect(trunkOf(recipe({ prune: { start: '2ep' } }))).not.toBe(trunk)
})

it.each<[string, Parameters<typeof recipe>[0], RegExp]>([
  ['no end', { prune: { end: undefined } }, /^tiny: prune\.end: the schedule alternating needs it, such as 10ep$/],
  [
    'masks that would be lifted',
    { model: { ...tiny.model, masks: 'masks.safetensors' } },
    /^tiny: prune\.schedule: alternating phases lift all masks, expected no model\.masks beside them$/,
  ],
  [
    'a method that ranks nothing',
    { prune: { method: 'woodfisher' } },
    /^tiny: prune\.schedule: alternating phases need a method that ranks weights by scores, found woodfisher$/,
  ],
  [
    'an initial sparsity',
    { prune: { initial: 0.5 } },
    /prune\.initial: expected prune\.schedule cubic beside it, found alternating$/,
  ],
  ['rewiring beside it', { rewire: { method: 'set', end: '3ep' } }, /rewire: needs a prune section with a one-shot/],
])('refused: %s', (_, changes, message) => {
  expect(() => recipe(changes)).toThrow(UserError)
  expect(() => recipe(changes)).toThrow(message)
})
