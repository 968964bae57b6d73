/**
 * @file Lottery tickets from recipes: what each run starts from and keeps, rewinding, controls, resuming, and
 * what is refused.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dryRun } from '../../src/experiment/plan/dry-run.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import { valuesIn } from '../../src/experiment/ticket/files.ts'
import { runTicket } from '../../src/experiment/ticket/run.ts'
import { findModel } from '../../src/models/index.ts'
import { prunableTensors } from '../../src/sparsity/tensors.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { best } from '../support/engines.ts'
import { tiny } from './tiny.ts'

const { prune, ...dense } = tiny
const layers = prunableTensors(findModel('mlpnet'))
const sizes = [31360, 800, 200]

/** MLPNet has 32,360 weights; a tenth is 3,236. */
const recipe = (ticket: object, changes: object = {}) =>
  checkRecipe({ ...dense, train: { ...tiny.train, epochs: 2 }, ticket: { ratio: 10, ...ticket }, ...changes }, 'tiny')

async function run(ticket: object, out = join(temporaryFolder(), 'run'), stop?: { phase: string; step: number }) {
  const controller = new AbortController()
  const told: string[] = []
  const outcome = await runTicket(recipe(ticket), {
    machine: best,
    out,
    checkpointSeconds: 0.01,
    resume: stop?.step === -1,
    signal: controller.signal,
    onEvent: (event) => {
      if (event.type === 'phase') told.push(event.name)
      if (event.type === 'progress' && told.at(-1) === stop?.phase && event.step >= stop!.step) controller.abort()
    },
  })
  const weights = (phase: string, file = 'model') => valuesIn(join(out, phase, `${file}.safetensors`), layers)
  return {
    outcome,
    out,
    told,
    weights,
    mask: (name: string) => valuesIn(join(out, `${name}-mask.safetensors`), layers),
  }
}

const kept = (masks: readonly Float32Array[]) => masks.map((mask) => mask.filter((value) => value !== 0).length)
const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0)

it('one shot: the largest trained weights, rewound to how they began, trained with a frozen mask', async () => {
  const { outcome, told, weights, mask, out } = await run({ masks: ['magnitude'] })
  expect(told).toEqual(['base', 'magnitude-ticket'])
  const [chosen, trained, start] = [mask('magnitude'), weights('base'), weights('base', 'snapshot')]
  expect(total(kept(chosen))).toBe(3236)
  const magnitudes = (bit: number) =>
    trained.flatMap((values, t) => [...values].filter((_, i) => chosen[t][i] === bit)).map(Math.abs)
  expect(Math.min(...magnitudes(1))).toBeGreaterThanOrEqual(Math.max(...magnitudes(0)))
  // The snapshot is the initial network, of the same seed as any other run.
  const other = await run({ masks: ['magnitude'], ratio: 20 })
  expect(other.weights('base', 'snapshot')).toEqual(start)
  const ticket = weights('magnitude-ticket')
  expect(kept(ticket)).toEqual(kept(chosen))
  ticket.forEach((values, t) => {
    expect([...values].filter((value, i) => chosen[t][i] === 0 && value !== 0)).toEqual([])
  })
  expect(ticket[0]).not.toEqual(start[0].map((value, i) => value * chosen[0][i]))
  expect(outcome.phases.map(({ result }) => total(result.layers.map((layer) => layer.kept)))).toEqual([32360, 3236])
  expect(readFileSync(join(out, 'report.md'), 'utf8')).toMatch(/magnitude-ticket *\| *3,236 \| *90\.00 % \|/)
})

it('the ticket begins at the weights of the snapshot, masked, and at its step', async () => {
  const { weights, mask, out } = await run({ masks: ['magnitude'], rewind: '1ep3it' })
  const start = weights('base', 'snapshot')
  expect(start).not.toEqual((await run({ masks: ['magnitude'] })).weights('base', 'snapshot'))
  const chosen = mask('magnitude')
  const again = join(temporaryFolder(), 'run')
  const stopped = await run({ masks: ['magnitude'], rewind: '1ep3it' }, again, { phase: 'magnitude-ticket', step: 19 })
  expect(stopped.outcome.interrupted).toBe(true)
  const first = stopped.weights('magnitude-ticket', 'checkpoint')
  // One step of training from there: kept weights near, removed ones zero.
  const moved = first.flatMap((values, t) =>
    [...values].map((value, i) => Math.abs(value - start[t][i] * chosen[t][i])),
  )
  expect(Math.max(...moved)).toBeGreaterThan(0)
  expect(Math.max(...moved)).toBeLessThan(0.05)
  const lines = readFileSync(join(out, 'magnitude-ticket', 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
  // 15 steps per epoch: the first epoch of the ticket is the second.
  expect(JSON.parse(lines[0])).toMatchObject({ type: 'epoch', epoch: 2, step: 30 })
})

it('iterative: every round removes a share of what the last one kept, by the weights it trained; the last is exact', async () => {
  const { told, mask, weights } = await run({ masks: ['iterative'], rate: 0.5, scope: 'layerwise', ratio: 6 })
  expect(told).toEqual(['base', 'iterative-1', 'iterative-2', 'iterative-ticket'])
  const masks = [mask('iterative-1'), mask('iterative-2'), mask('iterative')]
  expect(kept(masks[0])).toEqual([sizes[0] / 2, sizes[1] / 2, 0.75 * sizes[2]])
  expect(kept(masks[1])).toEqual([sizes[0] / 4, sizes[1] / 4, Math.floor(0.75 * 0.75 * sizes[2] + 0.5)])
  expect(total(kept(masks[2]))).toBe(Math.round(32360 / 6))
  for (const [later, earlier] of [
    [1, 0],
    [2, 1],
  ])
    masks[later].forEach((values, t) => {
      expect(values.every((bit, i) => bit <= masks[earlier][t][i])).toBe(true)
    })
  expect(kept(weights('iterative-2'))).toEqual(kept(masks[1]))
})

it('gsm looks for its mask with its own settings; controls: random places, new weights', async () => {
  const { told, mask, weights, outcome } = await run({
    masks: ['gsm'],
    gsm: { momentum: 0.95, epochs: 3, nesterov: false },
    controls: ['random-mask', 'random-reinit'],
  })
  expect(told).toEqual(['base', 'gsm', 'gsm-ticket', 'gsm-random-mask', 'gsm-random-reinit'])
  expect(kept(weights('gsm'))).toEqual(kept(mask('gsm')))
  expect(outcome.phases[1].result.gap).toMatchObject({ keep: 3236 })
  expect(kept(mask('gsm-random-mask'))).toEqual(kept(mask('gsm')))
  expect(mask('gsm-random-mask')).not.toEqual(mask('gsm'))
  expect(kept(weights('gsm-random-reinit'))).toEqual(kept(mask('gsm')))
  expect(weights('gsm-random-reinit')[0]).not.toEqual(weights('gsm-ticket')[0])
})

it('without retraining it ends with the network that gsm leaves', async () => {
  const { told, weights, outcome } = await run({ masks: ['gsm'], gsm: { epochs: 3 }, retrain: false })
  expect(told).toEqual(['base', 'gsm'])
  expect(outcome.interrupted).toBe(false)
  expect(total(kept(weights('gsm')))).toBe(3236)
  const report = readFileSync(join(outcome.folder, 'report.md'), 'utf8')
  expect(report).toContain('\nEach run has a folder here')
  expect(report).not.toContain('rewind')
  expect(report).not.toContain('Tickets go back')
})

it('stopped in any run and resumed, it ends with the same bits; complete runs are not repeated', async () => {
  const ticket = { masks: ['magnitude', 'gsm'], rewind: '5it', gsm: { epochs: 3 } }
  const whole = await run(ticket)
  for (const [phase, step, left] of [
    ['base', 7, 4],
    ['gsm', 40, 2],
    ['magnitude-ticket', 12, 3],
  ] as const) {
    const { out, outcome } = await run(ticket, undefined, { phase, step })
    expect(outcome.interrupted).toBe(true)
    const resumed = await run(ticket, out, { phase: '', step: -1 })
    expect(resumed.told.length).toBe(left)
    for (const name of ['magnitude-ticket', 'gsm-ticket']) expect(resumed.weights(name)).toEqual(whole.weights(name))
    expect(resumed.outcome.phases.map(({ result }) => result.final)).toEqual(
      whole.outcome.phases.map(({ result }) => result.final),
    )
  }
}, 60_000)

it('a dry run says what will be run', async () => {
  const { runs, warning } = await dryRun(recipe({ masks: ['magnitude', 'gsm'], gsm: { epochs: 3 }, rewind: '1ep' }))
  expect(runs).toEqual([
    { name: 'base', steps: 30 },
    { name: 'magnitude-ticket', steps: 15 },
    { name: 'gsm', steps: 45 },
    { name: 'gsm-ticket', steps: 15 },
  ])
  expect(warning).toMatch(/^train\.gsm: the schedule shrinks/)
})

it.each<[string, object, object, RegExp]>([
  ['a prune section', {}, { prune }, /^tiny: ticket: chooses weights by itself, expected no prune section beside it$/],
  ['gsm in train', {}, { train: { ...tiny.train, gsm: { ratio: 3 } } }, /^tiny: ticket: trains by gsm where ticket/],
  [
    'an output rate of a global ranking',
    { output: 0.5 },
    {},
    /^tiny: ticket\.output: needs scope layerwise, found global$/,
  ],
  [
    'a floor of layers that do not compete',
    { scope: 'layerwise', floor: 16 },
    {},
    /^tiny: ticket\.floor: needs scope global, found layerwise$/,
  ],
  [
    'masks that are not trained',
    { masks: ['gsm', 'magnitude'], retrain: false },
    {},
    /^tiny: ticket\.retrain: without it .*, expected ticket\.masks \[gsm\], found \[gsm, magnitude\]$/,
  ],
  [
    'controls that are not trained',
    { masks: ['gsm'], retrain: false, controls: ['random-mask'] },
    {},
    /^tiny: ticket\.controls: are trained like tickets, expected none .*, found random-mask$/,
  ],
  ['no mask', { masks: [] }, {}, /^tiny: ticket\.masks: expected at least 1, found a list$/],
  [
    'an unknown mask',
    { masks: ['snip'] },
    {},
    /^tiny: ticket\.masks\.0: expected one of magnitude, iterative, gsm, found "snip"$/,
  ],
  [
    'an unknown setting of gsm',
    { masks: ['gsm'], gsm: { rate: 1 } },
    {},
    /^tiny: ticket\.gsm: unknown key train\.rate/,
  ],
  [
    'freezing at a time without a unit',
    { masks: ['gsm'], gsm: { freeze: '3' } },
    {},
    /^tiny: ticket\.gsm: train\.gsm\.freeze: expected a duration such as /,
  ],
])('refused: %s', (_, ticket, changes, message) => {
  expect(() => recipe({ masks: ['magnitude'], ...ticket }, changes)).toThrow(UserError)
  expect(() => recipe({ masks: ['magnitude'], ...ticket }, changes)).toThrow(message)
})

it('globally every layer keeps its floor, in every round', async () => {
  const { mask, told } = await run({ masks: ['magnitude', 'iterative'], ratio: 60, rate: 0.9, floor: 150 })
  expect(told).toEqual(['base', 'magnitude-ticket', 'iterative-1', 'iterative-ticket'])
  for (const name of ['magnitude', 'iterative']) {
    expect(total(kept(mask(name)))).toBe(539)
    for (const count of kept(mask(name))) expect(count).toBeGreaterThanOrEqual(150)
  }
  const without = await run({ masks: ['magnitude'], ratio: 60 })
  expect(Math.min(...kept(without.mask('magnitude')))).toBeLessThan(150)
})

it('a floor of more than all weights that are kept is refused', async () => {
  await expect(run({ masks: ['magnitude'], ratio: 60, floor: 300 })).rejects.toThrow(
    /^ticket\.floor: expected no more than the 539 weights that are kept, found 300, which needs 800$/,
  )
})

it('a rewind after the end of training is refused', async () => {
  await expect(run({ masks: ['magnitude'], rewind: '3ep' })).rejects.toThrow(
    /^train\.snapshot: expected a time from 0ep to 2ep, found 3ep$/,
  )
})
