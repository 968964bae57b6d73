/**
 * @file Recipes with sparsities of single tensors, and networks that begin with the zeros of another file.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { runRecipe } from '../../src/experiment/run/run.ts'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { toFloats } from '../../src/formats/safetensors-bytes.ts'
import { unpackSparse } from '../../src/formats/sparse.ts'
import { pruningEvents } from '../../src/sparsity/schedule.ts'
import { UserError } from '../../src/util/errors.ts'
import { jsonLines } from '../cli/cli.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { best } from '../support/engines.ts'
import { tiny } from './tiny.ts'

const prune = { ...tiny.prune, scope: 'layerwise', sparsity: 0.9, sparsities: { 'fc3.weight': 0.25, 'fc2.weight': 0 } }
const names = ['fc1.weight', 'fc2.weight', 'fc3.weight']

async function run(out: string, changes: object): Promise<Map<string, Float32Array>> {
  await runRecipe(checkRecipe({ ...tiny, ...changes }, 'tiny'), { machine: best, out })
  const { tensors } = unpackSparse(readSafetensors(join(out, 'model.safetensors')), out)
  return new Map(names.map((name) => [name, Float32Array.from(toFloats(tensors.get(name)!))]))
}

const kept = (weights: Float32Array) => weights.filter((w) => w !== 0).length

it('every tensor follows the schedule to the sparsity of its own', async () => {
  const out = join(temporaryFolder(), 'run')
  const [fc1, fc2, fc3] = (await run(out, { prune })).values()
  expect([kept(fc1), kept(fc2), kept(fc3)]).toEqual([
    fc1.length - Math.round(0.9 * fc1.length),
    fc2.length,
    fc3.length - Math.round(0.25 * fc3.length),
  ])
  const found = jsonLines(readFileSync(join(out, 'metrics.jsonl'), 'utf8')).filter(({ type }) => type === 'prune')
  const events = pruningEvents({ kind: 'cubic', sparsity: 0.9, start: 10, end: 40, every: 5 })
  expect(found.map(({ step }) => step)).toEqual(events.map(({ step }) => step))
  const size = fc1.length + fc2.length + fc3.length
  found.forEach(({ sparsity }, i) => {
    const zeros = Math.round(events[i].sparsity * fc1.length) + Math.round(events[i].at(0.25) * fc3.length)
    expect(sparsity).toBeCloseTo(zeros / size, 10)
  })
})

it('model.masks: the zeros of another run stay zeros, of other weights or of the same', {
  timeout: 30_000,
}, async () => {
  const folder = temporaryFolder()
  const first = await run(join(folder, 'first'), { prune })
  for (const [file, seed] of [
    ['model', 5],
    ['checkpoint', 5],
    ['model', 0],
  ] as const) {
    const masks = join(folder, `first/${file}.safetensors`)
    const model = { ...tiny.model, masks }
    const other = await run(join(folder, `${file}${seed}`), { prune: undefined, seed, model })
    for (const name of names) {
      const [a, b] = [first.get(name)!, other.get(name)!]
      expect(b.map((w) => (w === 0 ? 0 : 1))).toEqual(a.map((w) => (w === 0 ? 0 : 1)))
      expect(b).not.toEqual(a)
    }
  }
  const model = { name: 'lenet-300-100', masks: join(folder, 'first/model.safetensors') }
  await expect(run(join(folder, 'other'), { model, prune: undefined })).rejects.toThrow(
    /model\.safetensors: .*fc1\.weight/,
  )
})

it.each<[object, string]>([
  [{ ...prune, scope: 'global' }, 'prune.sparsities: expected prune.scope layerwise, found global'],
  [{ ...prune, initial: 0.1 }, 'prune.sparsities: does not go with prune.initial'],
  [{ ...prune, method: 'cbs' }, 'prune.sparsities: cbs knows one sparsity only'],
  [{ ...prune, granularity: 'channel' }, 'prune.sparsities: expected a prune.granularity of weights, found channel'],
  [{ ...prune, sparsities: { conv: 1 } }, 'prune.sparsities.conv: expected less than 1, found 1'],
])('refused: %s', (section, message) => {
  const read = () => checkRecipe({ ...tiny, prune: section }, 'tiny')
  expect(read).toThrow(UserError)
  expect(read).toThrow(message)
})
