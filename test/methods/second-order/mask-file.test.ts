/** @file Masks of files that a method starts from: which are taken, and what is said of others. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkRecipe } from '../../../src/experiment/recipe/recipe.ts'
import { runRecipe } from '../../../src/experiment/run/run.ts'
import { writeSafetensors } from '../../../src/formats/safetensors.ts'
import { pruneBy } from '../../../src/methods/prune-by.ts'
import { findModel } from '../../../src/models/index.ts'
import { checkpointOf, weightsOf } from '../../../src/train/checkpoint.ts'
import { temporaryFolder } from '../../cli/temporary.ts'
import { tiny } from '../../experiment/tiny.ts'
import { dataOf, machine, model } from '../../train/small.ts'

const data = dataOf({ train: 100 })
const settings = { samples: 20, judge: 40, polish: 0, stages: 1 }
const prune = (method: 'woodfisher' | 'cbs-update' | 'cbs', more: object, sparsity = 0.7) =>
  pruneBy(method, { machine, model, data, sparsity, settings: { ...settings, ...more } })
const masksOf = ({ network }: Awaited<ReturnType<typeof prune>>) =>
  network.prunable.map(({ name }) => [...network.mask(name)])

/** WoodFisher's masks, as a file of weights and as a checkpoint. */
async function given() {
  const folder = temporaryFolder()
  const pruned = await prune('woodfisher', { update: 'none' })
  const [zeros, checkpoint] = ['zeros', 'checkpoint'].map((name) => join(folder, `${name}.safetensors`))
  writeSafetensors(zeros, weightsOf(pruned.network))
  writeSafetensors(checkpoint, checkpointOf(pruned.network, {}))
  return { folder, masks: masksOf(pruned), zeros, checkpoint }
}

const once = { ...settings, stages: undefined }

it('zeros of a file, or the masks of a checkpoint', async () => {
  const { masks, zeros, checkpoint } = await given()
  for (const start of [zeros, checkpoint]) {
    const updated = await pruneBy('cbs-update', { machine, model, data, sparsity: 0.7, settings: { ...once, start } })
    expect(masksOf(updated)).toEqual(masks)
    expect(updated.result.stages).toHaveLength(1)
    expect(updated.result.stages![0].updated!).toBeLessThan(updated.result.stages![0].selected)
  }
})

it('the folder of a run, in a recipe', async () => {
  const out = join(temporaryFolder(), 'first')
  const recipe = (name: string, prune: object) =>
    checkRecipe(
      {
        ...tiny,
        name,
        model: { name: 'mlpnet' },
        train: { ...tiny.train, epochs: 0 },
        prune: { sparsity: 0.8, ...prune },
      },
      name,
    )
  const secondOrder = { samples: 30, judge: 40, faithful: true }
  const select = { ...secondOrder, candidates: 3, passes: 2 }
  const { result } = await runRecipe(recipe('select', { method: 'cbs-select', secondOrder: select }), { machine, out })
  const update = recipe('update', { method: 'cbs-update', secondOrder: { ...secondOrder, start: out } })
  const next = await runRecipe(update, { machine, out: join(temporaryFolder(), 'second') })
  expect(next.result!.layers.map(({ kept }) => kept)).toEqual(result!.layers.map(({ kept }) => kept))
  expect(next.result!.final).not.toEqual(result!.final)
})

describe('refused in a sentence', () => {
  it('another count than the sparsity leaves', async () => {
    const { zeros } = await given()
    await expect(prune('cbs-update', { ...once, start: zeros }, 0.8)).rejects.toThrow(
      /^settings.start: \S+zeros.safetensors keeps 128 of 428 weights, expected 86, which the sparsity 0.8 leaves$/,
    )
  })

  it('no file, or a name that is none', async () => {
    await expect(prune('cbs', { ...once, start: 'magnitud' })).rejects.toThrow(
      /^settings.start: there is neither a start nor a file named magnitud \(did you mean magnitude\?\)$/,
    )
  })

  it('another network', async () => {
    const { zeros } = await given()
    const mlpnet = findModel('mlpnet')
    const other = {
      machine,
      model: mlpnet,
      data: dataOf({ train: 100, image: mlpnet.image, classes: 10 }),
      sparsity: 0.7,
    }
    await expect(pruneBy('cbs-update', { ...other, settings: { ...once, start: zeros } })).rejects.toThrow(
      /^settings.start: \S+zeros.safetensors: tensor fc1.weight has shape \[12,25\], the network expects \[40,784\]$/,
    )
  })

  it('what is no file of weights', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'no.safetensors'), 'nothing')
    mkdirSync(join(folder, 'empty'))
    for (const name of ['no.safetensors', 'empty'])
      await expect(prune('cbs', { ...once, start: join(folder, name) })).rejects.toThrow(/^settings.start: [^\n]+$/)
  })

  it('stages, which masks have one of', async () => {
    const { zeros } = await given()
    await expect(prune('cbs-update', { start: zeros, stages: 2 })).rejects.toThrow(
      /^settings.stages: cbs-update with start \S+zeros.safetensors has no use for it, expected no such setting$/,
    )
  })
})

it('update none leaves the weights that stay as they were: nothing is polished unless it is asked for', async () => {
  const before = (await prune('woodfisher', { update: 'none' }, 0)).network
  for (const polish of [undefined, 1]) {
    const { network, result } = await prune('woodfisher', { update: 'none', refreshBatchNorm: 'none', polish })
    expect(result.polished === undefined).toBe(polish === undefined)
    const kept = network.prunable.flatMap(({ name }) =>
      [...network.values(name)].flatMap((w, q) => (network.mask(name)[q] ? [w === before.values(name)[q]] : [])),
    )
    expect(kept.every(Boolean)).toBe(polish === undefined)
  }
})
