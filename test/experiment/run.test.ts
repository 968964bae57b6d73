import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { measureChannels } from '../../src/data/statistics.ts'
import { synthetic } from '../../src/data/synthetic.ts'
import { dryRun } from '../../src/experiment/plan/dry-run.ts'
import { buildNetwork } from '../../src/experiment/plan/network.ts'
import { resolve } from '../../src/experiment/plan/resolve.ts'
import { checkRecipe } from '../../src/experiment/recipe/recipe.ts'
import type { RunEvent } from '../../src/experiment/run/events.ts'
import { type RunOptions, runRecipe } from '../../src/experiment/run/run.ts'
import { runTicket } from '../../src/experiment/ticket/run.ts'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { unpackSparse } from '../../src/formats/sparse.ts'
import { summarize } from '../../src/formats/summary.ts'
import { keptCount } from '../../src/sparsity/count.ts'
import { type LayerCount, sparsityOf } from '../../src/sparsity/mask.ts'
import { UserError } from '../../src/util/errors.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { writeImageFolder } from '../data/image-files.ts'
import { rows } from '../support/breadth.ts'
import { machine } from '../train/small.ts'
import { tiny, tinyRecipe } from './tiny.ts'

const ALL = 32_360
const KEPT = keptCount(ALL, 0.9)
const run = (options: RunOptions, recipe = tinyRecipe()) => runRecipe(recipe, { machine, ...options })

it('leaves a folder from which every number can be traced', async () => {
  const out = join(temporaryFolder(), 'run')
  const events: RunEvent[] = []
  const { folder, interrupted, result } = await run({ out, onEvent: (event) => events.push(event) })
  expect([folder, interrupted]).toEqual([out, false])
  expect(readdirSync(out).sort()).toEqual([
    'checkpoint.safetensors',
    'dense.safetensors',
    'environment.json',
    'metrics.jsonl',
    'model.safetensors',
    'recipe.yaml',
    'report.md',
  ])

  const metrics = readFileSync(join(out, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  for (const line of metrics) {
    expect(Math.abs(Date.parse(line.time) - Date.now())).toBeLessThan(60_000)
    delete line.time
  }
  const of = (type: string) => metrics.filter((line) => line.type === type)
  expect(of('prune').map(({ step }) => step)).toEqual([10, 15, 20, 25, 30, 35, 40])
  for (const { target, sparsity, layers } of of('prune')) {
    expect(sparsity).toBe(1 - keptCount(ALL, target) / ALL)
    expect(layers.map(({ name }: LayerCount) => name)).toEqual(['fc1.weight', 'fc2.weight', 'fc3.weight'])
    expect(sparsityOf(layers)).toBeCloseTo(sparsity, 12)
  }
  expect(of('epoch').map(({ epoch, step }) => [epoch, step])).toEqual([
    [1, 15],
    [2, 30],
    [3, 45],
    [4, 60],
  ])
  for (const { trainLoss, validationLoss, validationAccuracy } of of('epoch')) {
    expect(trainLoss).toBeGreaterThan(0)
    expect(validationLoss).toBeGreaterThan(0)
    expect(validationAccuracy).toBeGreaterThan(0.2)
  }
  expect(of('final')).toEqual([{ type: 'final', ...result }])
  expect(events.filter(({ type }) => type === 'prune' || type === 'epoch')).toEqual(metrics.slice(0, -1))
  expect([events[0].type, events.at(-1)?.type]).toEqual(['start', 'end'])

  expect(result?.layers.reduce((sum, { kept }) => sum + kept, 0)).toBe(KEPT)
  expect(result?.sparsity).toBe(0.9)
  expect(result?.final.count).toBe(500)
  const model = summarize(unpackSparse(readSafetensors(join(out, 'model.safetensors')), 'model'))
  expect(result?.layers).toMatchObject(model.map(({ name, size, nonzeros }) => ({ name, size, kept: nonzeros })))
  const dense = summarize(readSafetensors(join(out, 'dense.safetensors')))
  expect(dense.reduce((sum, { nonzeros }) => sum + nonzeros, 0)).toBe(ALL)

  const report = readFileSync(join(out, 'report.md'), 'utf8')
  expect(report).toMatch(/^# tiny\n/)
  expect(report).toMatch(/\| all prunable \| +32,360 \| +3,236 \| +90\.00 % \|/)
  const environment = JSON.parse(readFileSync(join(out, 'environment.json'), 'utf8'))
  expect(environment).toMatchObject({ engine: machine.description, node: process.version, seed: 0 })
})

it('mean and std as the recipe says, or measured on the training images, and recorded', async () => {
  const used = async (changes: object) => {
    const out = temporaryFolder()
    const data = { name: 'synthetic', ...changes }
    await run({ out }, checkRecipe({ ...tiny, data, prune: undefined, train: { ...tiny.train, epochs: 1 } }, 'tiny'))
    const { metadata } = readSafetensors(join(out, 'model.safetensors'))
    const { inputs } = JSON.parse(readFileSync(join(out, 'environment.json'), 'utf8'))
    expect([metadata.mean, metadata.std]).toEqual([inputs.mean, inputs.std].map((list) => JSON.stringify(list)))
    return { inputs, report: readFileSync(join(out, 'report.md'), 'utf8') }
  }
  const data = synthetic()
  const { mean, std } = measureChannels(data.train, data.image)
  const by = 'measured on the 2,000 training images of synthetic'
  const measured = await used({ mean: 'data', std: 'data' })
  expect(measured.inputs).toEqual({ mean, std, origin: { mean: by, std: by } })
  expect(measured.report).toContain(`mean ${mean} and std ${std} (${by}).\n`)
  expect((await used({ mean: [0.25] })).inputs).toEqual({
    mean: [0.25],
    std: [0.25],
    origin: { mean: 'of the recipe', std: 'of the data set' },
  })
})

it('a folder of images whose constants nobody said: a guess, called so', async () => {
  const folder = await writeImageFolder(temporaryFolder(), { width: 32, height: 32, value: (_c, y, x) => 3 * x + y })
  process.env.ESPALIER_CACHE = temporaryFolder()
  onTestFinished(() => void delete process.env.ESPALIER_CACHE)
  const model = { name: 'cifarnet', classes: 2 }
  const train = { epochs: 1, batch: 2, learningRate: 0.001 }
  const told = async (data: object) => {
    const recipe = checkRecipe({ name: 'r', model, train, data: { name: folder, ...data } }, 'r')
    const out = temporaryFolder()
    const notices: string[] = []
    await run({ out, onEvent: (event) => void (event.type === 'notice' && notices.push(event.text)) }, recipe)
    return { notices, report: readFileSync(join(out, 'report.md'), 'utf8'), dry: (await dryRun(recipe)).guess }
  }
  const guessed = await told({})
  const sentence = /^mean and std of the inputs are guessed, mean 0\.485, .* data\.normalization set them$/
  expect(guessed.notices).toEqual([expect.stringMatching(sentence)])
  expect(guessed.dry).toMatch(sentence)
  expect(guessed.report).toContain('(guessed: the constants imagenet, since a folder does not say its own).')
  for (const data of [{ mean: 'data', std: 'data' }, { normalization: 'half' }])
    expect(await told(data)).toMatchObject({ notices: [], dry: undefined, report: expect.not.stringMatching(/guess/) })
})

it('without pruning there is no dense network to compare with', async () => {
  const out = temporaryFolder()
  const { result } = await run({ out }, checkRecipe({ ...tiny, prune: undefined }, 'tiny'))
  expect(result).toMatchObject({ sparsity: 0, dense: undefined })
  expect(existsSync(join(out, 'dense.safetensors'))).toBe(false)
  expect(readFileSync(join(out, 'report.md'), 'utf8')).not.toContain('| dense')
})

it('pruned at initialization, the dense network is the untrained one', async () => {
  const prune = { method: 'random', sparsity: 0.5, scope: 'erk' }
  const { result } = await run({ out: temporaryFolder() }, checkRecipe({ ...tiny, prune }, 'tiny'))
  expect(result?.sparsity).toBe(0.5)
  expect(result?.dense?.loss).toBeGreaterThan(2)
  expect(result?.final.loss).toBeLessThan(1)
})

it('a layer that collapses is reported', async () => {
  const collapsing = checkRecipe({ ...tiny, prune: { method: 'random', sparsity: 0.9999 } }, 'tiny')
  const out = temporaryFolder()
  const events: RunEvent[] = []
  await run({ out, onEvent: (event) => events.push(event) }, collapsing)
  const [event] = events.filter((e) => e.type === 'prune')
  expect(event.collapsed.length).toBeGreaterThan(0)
  expect(readFileSync(join(out, 'report.md'), 'utf8')).toMatch(
    new RegExp(`\\| ${event.collapsed[0].replace('.', '\\.')} .*collapsed: nothing left`),
  )
})

it.each<[object, string]>([
  [
    { prune: { ...tiny.prune, end: '5ep' } },
    'prune.end: expected a time within the 4 epochs of the training, found 5ep',
  ],
  [
    { prune: { ...tiny.prune, end: '9it' } },
    'prune: expected start <= end and every >= 1it, found start 10it, end 9it, every 5it',
  ],
  [
    { prune: { ...tiny.prune, every: '0it' } },
    'prune: expected start <= end and every >= 1it, found start 10it, end 2ep10it, every 0it',
  ],
  [
    { prune: { method: 'random', sparsity: 0.5, start: '61it' } },
    'prune.start: expected a time within the 4 epochs of the training, found 61it',
  ],
  [
    { data: { name: 'synthetic', validation: 2000 } },
    'data.validation: 2000 of the 2000 training samples leave none to train on',
  ],
  [{ train: { ...tiny.train, batch: 2001 } }, 'train.batch: 2001 is more than the 1900 training samples of synthetic'],
  [
    {
      prune: { method: 'random', sparsity: 0.5, start: '1ep' },
      rewire: { method: 'set', fraction: 0.3, end: '0ep' },
    },
    'rewire.end: expected a time after prune.start 1ep, found 0ep',
  ],
  [
    {
      prune: { method: 'random', sparsity: 0.5 },
      rewire: { method: 'set', fraction: 0.3, end: '1ep', every: { '1ep': '5it' } },
    },
    'rewire.every: expected a value from 0ep on, found none',
  ],
  [
    { prune: undefined, train: { ...tiny.train, gsm: { ratio: 10, freeze: '4ep' } } },
    'train.gsm.freeze: expected a time before the end of 4 epochs, found 4ep',
  ],
  [{ train: { ...tiny.train, snapshot: '5ep' } }, 'train.snapshot: expected a time from 0ep to 4ep, found 5ep'],
  [
    { prune: undefined, ticket: { ratio: 10, masks: ['magnitude'], rewind: '5ep' } },
    'train.snapshot: expected a time from 0ep to 4ep, found 5ep',
  ],
  [
    { prune: undefined, ticket: { ratio: 10, masks: ['gsm'], gsm: { epochs: 2, freeze: '3ep' } } },
    'train.gsm.freeze: expected a time before the end of 2 epochs, found 3ep',
  ],
  [
    { data: { name: 'synthetic', size: 32 } },
    'synthetic: size is for folders of image files; this data set has images of one size',
  ],
  [{ data: { name: 'synthetic', mean: [0.1, 0.2] } }, 'data.mean: expected one number or 1, found 0.1, 0.2'],
  [
    { data: { name: 'synthetic', std: [0] } },
    'data.std: expected numbers above 0, which inputs are divided by, found 0',
  ],
  [
    { model: { name: 'mlpnet', weights: '/nowhere/w.safetensors' } },
    'model.weights: cannot read /nowhere/w.safetensors: there is no such file or folder',
  ],
  [
    { prune: { ...tiny.prune, method: 'snip', scoring: { samples: 1901 } } },
    'prune.scoring.samples: expected at most the 1900 training samples, found 1901',
  ],
  [
    { prune: { ...tiny.prune, floor: '50%' } },
    'a floor of 50% in every layer needs 16180 weights, the sparsity keeps 3236',
  ],
])('what cannot be run is refused before anything is written, dry or not: %#', async (changes, message) => {
  const out = join(temporaryFolder(), 'run')
  const recipe = checkRecipe({ ...tiny, ...changes }, 'tiny')
  const whole = recipe.ticket ? runTicket(recipe, { machine, out }) : run({ out }, recipe)
  await expect(whole).rejects.toThrow(new UserError(message))
  expect(existsSync(out)).toBe(false)
  await expect(dryRun(recipe)).rejects.toThrow(new UserError(message))
})

it.each([
  ['synthetic', /^train\.batch: 1000000 is more than the 1900 training samples of synthetic$/],
  [
    '/nowhere',
    /^train\.batch: a step of resnet50 on 1000000 samples takes [\d.]+ GB, more than the 8\.59 GB that an engine addresses: expected at most \d+$/,
  ],
])('a batch of a million is refused before room is taken for it, with data %s', async (name, message) => {
  const model = { name: name === 'synthetic' ? 'mlpnet' : 'resnet50' }
  const data = { name, validation: 100 }
  const recipe = checkRecipe({ ...tiny, model, data, train: { ...tiny.train, batch: 1_000_000 } }, 'tiny')
  const before = process.memoryUsage().rss
  for (const refused of [run({ out: '/nowhere/run' }, recipe), dryRun(recipe)])
    expect(await refused.catch(({ message }) => message)).toMatch(message)
  expect(process.memoryUsage().rss - before).toBeLessThan(4e8)
})

it('divergence leaves a folder that can be used again', async () => {
  const out = temporaryFolder()
  const wild = checkRecipe({ ...tiny, train: { ...tiny.train, learningRate: 1e9 } }, 'tiny')
  await expect(run({ out }, wild)).rejects.toThrow(/the (loss became|score of) .*/)
  expect(existsSync(join(out, 'lock.json'))).toBe(false)
  await run({ out, force: true })
})

it('a dry run tells network, kernels and cost', async () => {
  const result = await dryRun(tinyRecipe())
  expect(result).toMatchObject({ parameters: ALL, steps: 60 })
  expect(result.layers.map(({ size }) => size)).toEqual([31_360, 800, 200])
  expect(result.estimatedSeconds).toBeCloseTo(60 * result.secondsPerStep, 12)
  // Weights, momentum, masks and scores at least; the data set is not counted.
  expect(result.arenaBytes).toBeGreaterThan(4 * 4 * ALL)
  expect(result.arenaBytes).toBeLessThan(4e6)
  expect(result.kernels.sgd).toBe(3)
})

it.each<[string, object, (number | string)[]]>([
  ['by magnitude', { method: 'magnitude', sparsity: 0.9 }, ['3236']],
  [
    'at sparsities of their own',
    { method: 'magnitude', scope: 'layerwise', sparsity: 0, sparsities: { 'fc2.weight': 0.5 } },
    [31_360, 400, 200],
  ],
  ['by gradients, in every layer', { method: 'snip', scope: 'layerwise', sparsity: 0.9 }, [3136, 80, 20]],
  [
    'from a given sparsity',
    {
      method: 'magnitude',
      scope: 'layerwise',
      sparsity: 0.9,
      schedule: 'cubic',
      initial: 0.5,
      end: '2ep',
      every: '5it',
    },
    [15_680, 400, 100],
  ],
  ['later', { method: 'magnitude', sparsity: 0.9, start: '1it' }, [31_360, 800, 200]],
  [
    'at the start of a training that goes on',
    { method: 'random', scope: 'layerwise', sparsity: 0.9, start: '1ep' },
    [3136, 80, 20],
  ],
])('a dry run counts what is left at the first step: pruned %s', async (name, prune, counts) => {
  const train = { ...tiny.train, ...(name.startsWith('at the start') && { start: '1ep' }) }
  for (const data of [tiny.data, { name: '/nowhere' }]) {
    if (data !== tiny.data && name !== 'by magnitude') continue
    const { layers, counted } = await dryRun(checkRecipe({ ...tiny, prune, train, data }, 'tiny'))
    const kept = layers.map((layer) => layer.kept)
    expect(counts.length === 1 ? [String(kept.reduce((a, b) => a + b))] : kept).toEqual(counts)
    expect(counted).toBeUndefined()
  }
})

it.each([
  [
    { method: 'snip', sparsity: 0.9 },
    'layers are counted as snip leaves them by 64 training samples; the run takes 1,000',
  ],
  [{ method: 'force', sparsity: 0.9, scoring: { samples: 20 } }, undefined],
  [{ method: 'synflow', sparsity: 0.9, scoring: { rounds: 3 } }, undefined],
  [{ method: 'magnitude', sparsity: 0.9, flops: 0.5 }, undefined],
])('a dry run measures scores before the first step on few samples: %o', async (prune, counted) => {
  const result = await dryRun(checkRecipe({ ...tiny, prune: { ...prune, onCollapse: 'error' } }, 'tiny'))
  expect(result.layers.reduce((sum, { kept }) => sum + kept, 0)).toBe(3236)
  expect(new Set(result.layers.map(({ kept, size }) => kept / size)).size).toBe(3)
  expect(result.counted).toBe(counted)
})

it.each([
  [
    { method: 'obd', sparsity: 0.9 },
    tiny.data,
    'obd prunes them to 90.00 % before the first step, and what it measures decides',
  ],
  [{ method: 'snip', sparsity: 0.9 }, { name: '/nowhere' }, 'snip prunes them to 90.00 % before the first step'],
  [
    { method: 'magnitude', sparsity: 0.9, flops: 0.5 },
    { name: '/nowhere' },
    'and the budget of multiply-adds decides how many stay in each',
  ],
])('a dry run says where what is left is not known in seconds: %o', async (prune, data, sentence) => {
  const { layers, counted } = await dryRun(checkRecipe({ ...tiny, data, prune }, 'tiny'))
  expect(layers.map(({ kept }) => kept)).toEqual([31_360, 800, 200])
  expect(counted).toContain(sentence)
})

it.each<[string, object, string]>([
  ['times', { prune: { ...tiny.prune, start: '1ep', end: '5ep' } }, 'prune.end: expected a time within the 4 epochs'],
  ['layers', { prune: { ...tiny.prune, include: ['conv*'] } }, 'prune.include: no prunable tensor is named conv*'],
  ['weights', { model: { ...tiny.model, weights: '/no/weights' } }, 'model.weights: cannot read /no/weights: there is'],
  ['costs', { train: { ...tiny.train, costs: '/no/costs' } }, '/no/costs'],
])('%s are refused before data are looked for, which are not here either', async (_, changes, message) => {
  const recipe = checkRecipe({ ...tiny, data: { name: '/nowhere' }, ...changes }, 'tiny')
  const told: string[] = []
  await expect(dryRun(recipe, 'tiny', (sentence) => told.push(sentence))).rejects.toThrow(message)
  await expect(run({}, recipe)).rejects.toThrow(message)
  expect(told).toEqual([])
})

it('a folder that holds a run is refused before data are looked for', async () => {
  const out = temporaryFolder()
  await run({ out })
  const recipe = checkRecipe({ ...tiny, data: { name: '/nowhere' } }, 'tiny')
  await expect(run({ out }, recipe)).rejects.toThrow(/already holds a run/)
})

it.each([
  [
    'steps',
    [
      ['60it', '30it'],
      ['1ep30it', '1ep30it'],
      ['2ep', '0.5ep'],
    ],
    'expected times that ascend, found',
  ],
  ['cosine', [['1ep']], 'expected train.schedule steps beside them, found cosine'],
])('drops of a schedule %s that contradict each other or it are refused', (schedule, lists, message) => {
  for (const drops of lists)
    expect(() => checkRecipe({ ...tiny, train: { ...tiny.train, schedule, drops } }, 'tiny')).toThrow(
      `tiny: train.drops: ${message}`,
    )
})

it('drops after the end of the training are told of', async () => {
  const train = { ...tiny.train, schedule: 'steps', drops: ['1ep', '60it', '5ep'] }
  const { warning } = await dryRun(checkRecipe({ ...tiny, train }, 'tiny'))
  expect(warning).toBe('train.drops: training ends after 4 epochs, so that the rate never drops at 60it, 5ep')
  const inTime = { ...train, drops: ['30it', '3ep'] }
  expect((await dryRun(checkRecipe({ ...tiny, train: inTime }, 'tiny'))).warning).toBeUndefined()
})

it('a dry run without the data set tells why the number of steps is unknown', async () => {
  const told: string[] = []
  const recipe = checkRecipe({ ...tiny, data: { name: '/nowhere' } }, 'tiny')
  const result = await dryRun(recipe, 'tiny', (sentence) => told.push(sentence))
  expect(told).toEqual([result.missingData])
  expect(result.steps).toBeUndefined()
  expect(result.missingData).toContain('there is no data set or folder named /nowhere')
})

it('weights that were trained on other inputs are noted', async () => {
  const first = temporaryFolder()
  await run({ out: first })
  const noticesOf = async (data: object) => {
    const weights = join(first, 'model.safetensors')
    const recipe = checkRecipe({ ...tiny, model: { ...tiny.model, weights }, data: { ...tiny.data, ...data } }, 'tiny')
    const notices: string[] = []
    const onEvent = (event: RunEvent) => event.type === 'notice' && notices.push(event.text)
    await run({ out: temporaryFolder(), onEvent }, recipe)
    return notices
  }
  expect(await noticesOf({})).toEqual([])
  expect(await noticesOf({ normalization: 'half' })).toEqual([
    `${join(first, 'model.safetensors')} says that it was trained on inputs with mean 0.5 and std 0.25, those of this run have mean 0.5 and std 0.5: data.mean and data.std, or data.normalization, set them`,
  ])
})

it('no epochs: stored weights are pruned as they are', async () => {
  const first = temporaryFolder()
  await run({ out: first })
  const weights = join(first, 'model.safetensors')
  const post = { ...tiny, model: { ...tiny.model, weights }, train: { ...tiny.train, epochs: 0 } }
  const prune = { method: 'magnitude', sparsity: 0.9 }
  const { result } = await run({ out: temporaryFolder() }, checkRecipe({ ...post, prune }, 'tiny'))
  expect(result!.sparsity).toBeCloseTo(0.9, 4)
  // The dense network of the second run is the first run's result.
  expect(result!.dense!.accuracy).toBeGreaterThan(0.5)
  expect(() => checkRecipe({ ...post, prune: undefined }, 'tiny')).toThrow(
    'tiny: train.epochs: 0 epochs need a prune section',
  )
})

it('second-order methods prune at the events of a schedule, exactly', async () => {
  const secondOrder = { samples: 50, judge: 200, stages: 2, polish: 1 }
  for (const prune of [
    { method: 'cbs', sparsity: 0.8, start: '1ep', secondOrder },
    {
      method: 'woodfisher',
      sparsity: 0.8,
      schedule: 'cubic',
      initial: 0.2,
      start: '10it',
      every: '10it',
      end: '30it',
      secondOrder,
    },
  ]) {
    const levels: number[] = []
    const onEvent = (event: RunEvent) => event.type === 'prune' && levels.push(event.sparsity)
    const { result } = await run({ out: temporaryFolder(), onEvent }, checkRecipe({ ...tiny, prune }, 'tiny'))
    expect(result!.layers.reduce((sum, { kept }) => sum + kept, 0)).toBe(32_360 - Math.round(0.8 * 32_360))
    expect(result!.final.accuracy).toBeGreaterThan(0.5)
    if (prune.method === 'woodfisher')
      expect(levels.map((level) => level.toFixed(3))).toEqual(['0.200', '0.725', '0.800'])
  }
})

it('second-order keys are refused where nothing uses them, and too many samples', async () => {
  const prune = { method: 'magnitude', sparsity: 0.5, secondOrder: {} }
  expect(() => checkRecipe({ ...tiny, prune }, 'tiny')).toThrow(
    'tiny: prune.secondOrder: magnitude has no use for it, expected prune.scoring or nothing',
  )
  const greedy = { method: 'cbs', sparsity: 0.5, secondOrder: { samples: 1800, judge: 200 } }
  await expect(run({ out: temporaryFolder() }, checkRecipe({ ...tiny, prune: greedy }, 'tiny'))).rejects.toThrow(
    /^prune\.secondOrder\.judge: expected no more than 100 of the 1,900 training samples of synthetic beside the gradients, found 200$/,
  )
})

const pruned: [{ method: string; [section: string]: unknown }, string][] = [
  [{ method: 'fts', scoring: { samples: 200 } }, '0it'],
  [{ method: 'grasp', scoring: { samples: 'all', miniBatch: 100 } }, '1ep'],
  [{ method: 'force', scope: 'erk', scoring: { samples: 64, rounds: 3 } }, '10it'],
  [{ method: 'synflow' }, '0it'],
  [{ method: 'obc', layerwise: { samples: 100 } }, '1ep'],
  [{ method: 'sparsegpt', layerwise: { samples: 100, damp: 0.1 } }, '1ep'],
  [{ method: 'snows', scope: 'layerwise', layerwise: { samples: 100, horizon: 2, newtonSteps: 1 } }, '1ep'],
]
// OBC takes seconds, SparseGPT goes the same way.
it.each(rows(pruned, ([{ method }]) => method !== 'obc'))(
  '%o prunes at %s, and the network is as sparse as it says at every evaluation',
  async (prune, start) => {
    const out = join(temporaryFolder(), 'run')
    const section = { ...prune, start, sparsity: 0.9 }
    const events: RunEvent[] = []
    const recipe = checkRecipe({ ...tiny, train: { ...tiny.train, epochs: 2 }, prune: section }, 'tiny')
    const { result } = await run({ out, onEvent: (event) => events.push(event) }, recipe)
    const [event] = events.filter(({ type }) => type === 'prune')
    expect(event).toMatchObject({ step: { '0it': 0, '10it': 10, '1ep': 15 }[start], sparsity: 0.9 })
    expect(result?.layers.reduce((sum, { kept }) => sum + kept, 0)).toBe(KEPT)
    expect(result?.final.accuracy).toBeGreaterThan(0.2)
  },
)

it('more scoring samples than there are for training are refused before there is a folder', async () => {
  const out = join(temporaryFolder(), 'run')
  const section = { method: 'fts', sparsity: 0.5, scoring: { samples: 1901 } }
  const attempt = run({ out }, checkRecipe({ ...tiny, prune: section }, 'tiny'))
  await expect(attempt).rejects.toThrow('prune.scoring.samples: expected at most the 1900 training samples, found 1901')
  expect(existsSync(out)).toBe(false)
})

it('data.stratify: every class gives the same share of the held-out samples', async () => {
  const data = synthetic()
  const heldOut = async (stratify: boolean) => {
    const recipe = checkRecipe({ ...tiny, data: { ...tiny.data, stratify } }, 'tiny')
    const { validation } = (await buildNetwork(await resolve(recipe, data), machine)).indices
    return Array.from(
      { length: 10 },
      (_, label) => [...validation].filter((i) => data.train.labels[i] === label).length,
    )
  }
  expect(await heldOut(true)).toEqual(new Array(10).fill(10))
  expect(await heldOut(false)).not.toEqual(new Array(10).fill(10))
})
