/** @file Blocks of the Fisher matrix in whole prunings, and the same results with little memory. */
import { expect, it } from 'vitest'
import { sizeOf } from '../../../src/graph/tensor.ts'
import { drawSamples } from '../../../src/methods/samples.ts'
import { compose, walkOf } from '../../../src/methods/second-order/composition.ts'
import { pruneSecondOrder, type SecondOrderMethod } from '../../../src/methods/second-order/driver.ts'
import { planGradients } from '../../../src/methods/second-order/fisher/gradient-plan.ts'
import { GradientSource } from '../../../src/methods/second-order/fisher/gradients.ts'
import { solverRoom } from '../../../src/methods/second-order/fisher/inverse.ts'
import type { Part } from '../../../src/methods/second-order/fisher/parts.ts'
import { rankOneRoom } from '../../../src/methods/second-order/fisher/rank-one-columns.ts'
import { findModel } from '../../../src/models/index.ts'
import { chooseTensors, prunableTensors } from '../../../src/sparsity/tensors.ts'
import { Network } from '../../../src/train/network.ts'
import { train } from '../../../src/train/train.ts'
import { UserError } from '../../../src/util/errors.ts'
import { tinyConv } from '../../support/tiny-conv.ts'
import { dataOf, machine } from '../../train/small.ts'

const tensors = prunableTensors(tinyConv)
const names = tensors.map(({ name }) => name)
const data = dataOf({ train: 150 })
const { gradients, judge } = drawSamples(150, { gradients: 40, judge: 60 })

interface Case {
  method: SecondOrderMethod
  fisher: 'full' | 'layer' | number
  /** Tensors whose names begin so. Default: all. */
  only?: string
  miniBatch?: number
  memory?: number
  stages?: number
}

/** The pruned weights of all tensors, and how many groups of gradients there were. */
async function prune({ method, fisher, only = '', miniBatch = 1, memory, stages = 1 }: Case) {
  const chosen = tensors.filter(({ name }) => name.startsWith(only))
  const samples = 40 / miniBatch
  const plan = planGradients(
    tinyConv,
    chosen,
    { samples, miniBatch, method, walk: walkOf(compose(method)), fisher, memory },
    'here',
  )
  const source = new GradientSource({ tensors: chosen.map(({ name }) => name), samples, miniBatch, ...plan })
  const { programs } = source
  const network = new Network({ machine, model: tinyConv, data, batch: 50, judged: 60, programs })
  await train(network, { epochs: 2, optimizer: { momentum: 0.9 }, schedule: { kind: 'constant', base: 0.05 } })
  const texts: string[] = []
  const { kept } = pruneSecondOrder(network, source, {
    method,
    fisher,
    gradients,
    judge,
    stages,
    sparsity: 0.6,
    lambda: 1e-3,
    onProgress: (phase, text) => texts.push(`${phase}: ${text}`),
  })
  network.assertMasked()
  const weights = names.flatMap((name) => [...network.values(name)])
  return { kept, weights, groups: plan.groups.length, texts }
}

/**
 * Bytes that hold columns of so many weights, and systems solved with them; `factors` of a linear layer as
 * well.
 */
const room = (weights: number, { miniBatch = 1, factors = false } = {}) => {
  const samples = 40 / miniBatch
  return 4 * (solverRoom(samples) + (factors ? rankOneRoom([4, 8], samples) : 0) + weights * samples + 6)
}

it.each<SecondOrderMethod>(['woodfisher', 'cbs-update'])(
  '%s: blocks of a whole tensor are blocks per layer, and one layer is full',
  async (method) => {
    const layer = await prune({ method, fisher: 'layer' })
    expect((await prune({ method, fisher: 54 })).weights).toEqual(layer.weights)
    expect((await prune({ method, fisher: 7 })).weights).not.toEqual(layer.weights)
    const single = { method, only: 'conv2' }
    const full = await prune({ ...single, fisher: 'full' })
    expect((await prune({ ...single, fisher: 54 })).weights).toEqual(full.weights)
    expect((await prune({ ...single, fisher: 'layer' })).weights).toEqual(full.weights)
  },
)

const only = 'conv'
it.each<[Case, number, number]>([
  [{ method: 'obd', fisher: 'layer', only }, room(60), 2],
  [{ method: 'obd', fisher: 'full', miniBatch: 2 }, room(60, { miniBatch: 2 }), 3],
  [{ method: 'woodfisher', fisher: 'layer', only }, room(60), 2],
  [{ method: 'woodfisher', fisher: 'layer' }, room(54, { factors: true }), 2],
  [{ method: 'woodfisher', fisher: 7, only }, room(20), 5],
  [{ method: 'woodfisher', fisher: 25, miniBatch: 2, stages: 2 }, room(30, { miniBatch: 2 }), 5],
  [{ method: 'cbs-update', fisher: 'layer', miniBatch: 2 }, room(60, { miniBatch: 2 }), 3],
  [{ method: 'cbs-update', fisher: 20, only }, room(30), 4],
])('little memory changes nothing: %o, %i bytes', async (one, memory, groups) => {
  const free = await prune(one)
  expect(free.groups).toBe(1)
  const bound = await prune({ ...one, memory })
  expect(bound.groups).toBe(groups)
  expect(bound.kept).toBe(free.kept)
  expect(bound.weights).toEqual(free.weights)
  expect(bound.texts.some((text) => text.startsWith(`gradients: part 2 of ${groups}, `))).toBe(true)
  expect(free.texts.some((text) => text.includes('part'))).toBe(false)
})

it('what must be in memory together and is too large is refused in a sentence', () => {
  const needs = { samples: 40, miniBatch: 2, memory: room(30, { miniBatch: 2 }) }
  const plan = (method: SecondOrderMethod, fisher: Case['fisher']) => () =>
    planGradients(
      tinyConv,
      tensors,
      { ...needs, samples: 400, method, walk: walkOf(compose(method)), fisher },
      '--samples',
    )
  for (const [method, fisher] of [
    ['cbs', 'layer'],
    ['chita', 20],
    ['falcon', 'layer'],
    ['cbs-select', 'layer'],
    ['woodfisher', 'full'],
  ] as const) {
    expect(plan(method, fisher)).toThrow(UserError)
    expect(plan(method, fisher)).toThrow(
      /^--samples: \S+ needs 400 gradients of the 113 weights of 3 tensors at the same time, which take \S+ GB, more than \S+ GB: choose fewer samples, more memory, or woodfisher or cbs-update with a block per layer$/,
    )
  }
  const small = planGradients(
    tinyConv,
    tensors,
    { ...needs, samples: 20, method: 'woodfisher', walk: 'blocks', fisher: 8 },
    '',
  )
  expect(small.groups.length).toBeGreaterThan(0)
  expect(() =>
    planGradients(
      tinyConv,
      tensors,
      { ...needs, samples: 20, method: 'woodfisher', walk: 'blocks', fisher: 'layer' },
      'x',
    ),
  ).toThrow(/^x: woodfisher needs 20 gradients of the 54 weights of conv2.weight .*, or smaller blocks$/)
})

it('many small blocks take time in proportion to the weights, not to weights times blocks', { timeout: 20_000 }, () => {
  const model = findModel('lenet-300-100')
  const chosen = prunableTensors(model)
  const settings = { samples: 2, miniBatch: 1, method: 'woodfisher', walk: 'blocks', fisher: 40 } as const
  const plan = planGradients(model, chosen, settings, 'here')
  const source = new GradientSource({ tensors: chosen.map(({ name }) => name), ...settings, ...plan })
  const digits = dataOf({ train: 20, image: model.image, classes: model.classes })
  const network = new Network({ machine, model, data: digits, batch: 10, judged: 10, programs: source.programs })
  const samples = drawSamples(20, { gradients: 2, judge: 10 })
  const { kept } = pruneSecondOrder(network, source, { ...settings, ...samples, sparsity: 0.5 })
  expect(kept).toBe(133_100)
})

it('large networks take few samples at once, and tensors in groups', () => {
  const resnet = findModel('resnet50')
  const chosen = chooseTensors(resnet)
  const plan = (fisher: 'layer' | number, samples: number) =>
    planGradients(resnet, chosen, { samples, miniBatch: 400, method: 'woodfisher', walk: 'blocks', fisher }, '')
  const { groups, atOnce } = plan(2000, 400)
  expect(atOnce).toBeLessThan(20)
  expect(groups.length).toBeGreaterThan(8)
  const weights = (parts: readonly Part[]) => parts.reduce((sum, { size }) => sum + size, 0)
  expect(groups.reduce((sum, parts) => sum + weights(parts), 0)).toBe(
    weights(chosen.map(({ shape }, tensor) => ({ tensor, first: 0, size: sizeOf(shape) }))),
  )
  for (const parts of groups) expect(4 * 400 * weights(parts)).toBeLessThan(4 * 2 ** 30)
  expect(plan('layer', 32).groups).toHaveLength(1)
})
