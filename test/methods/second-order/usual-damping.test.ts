/** @file The damping that is filled in where none was asked for: pruning with it is the same, bit for bit. */
import { expect, it } from 'vitest'
import { synthetic } from '../../../src/data/synthetic.ts'
import type { MethodName } from '../../../src/methods/index.ts'
import { methods } from '../../../src/methods/index.ts'
import { pruneBy } from '../../../src/methods/prune-by.ts'
import { findModel } from '../../../src/models/index.ts'
import { prunableTensors } from '../../../src/sparsity/tensors.ts'
import { machine } from '../../train/small.ts'

const model = findModel('mlpnet')
const data = synthetic()
const few = { samples: 60, judge: 100, stages: 2, polish: 0 }

async function filledIn(method: MethodName, settings: object): Promise<unknown> {
  const tensors = prunableTensors(model)
  const request = { model, data: { name: data.name, samples: data.train.count }, tensors, scope: 'global' as const }
  const plan = await methods[method].plan(settings, { ...request, left: 3236, seed: 0, nameOf: (name) => name })
  return plan.settings.damp
}

async function weightsBy(method: MethodName, settings: object): Promise<Float32Array[]> {
  const { network } = await pruneBy(method, { machine, model, data, sparsity: 0.9, settings })
  return network.prunable.map(({ name }) => Float32Array.from(network.values(name)))
}

it.each<[MethodName, object, number]>([
  ['obd', {}, 1],
  ['woodfisher', {}, 1e-3],
  ['woodfisher', { blocks: 'layer' }, 1e-5],
  ['woodfisher', { update: 'none' }, 1e-3],
  ['woodtaylor', {}, 1e-3],
  ['kfac', {}, 1e-5],
  ['cbs-update', { faithful: true }, 1e-3],
])('%s with %o', async (method, settings, damp) => {
  const asked = { ...few, ...settings }
  expect(await filledIn(method, asked)).toBe(damp)
  const usual = await weightsBy(method, asked)
  expect(await weightsBy(method, { ...asked, damp })).toEqual(usual)
  expect(await weightsBy(method, { ...asked, damp: 30 * damp })).not.toEqual(usual)
})

it.each<[MethodName, object]>([
  ['cbs-update', {}],
  ['chita', {}],
  ['falcon', { faithful: true }],
  ['cbs-select', {}],
  ['obd', { faithful: true }],
])('nothing where no single number stands for it: %s with %o', async (method, settings) => {
  expect(await filledIn(method, { ...few, stages: undefined, ...settings })).toBeUndefined()
})
