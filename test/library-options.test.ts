/**
 * @file The library as JavaScript calls it: values that an option cannot have are refused in one sentence,
 * and nothing has changed.
 */

import { expect, it } from 'vitest'
import { holdOut, synthetic } from '../src/data.ts'
import {
  checkRecipe,
  chooseTensors,
  dryRun,
  findModel,
  gradualPruning,
  learningRate,
  Network,
  openMachine,
  overlapOf,
  planTraining,
  prune,
  pruneObc,
  pruneSnows,
  pruneSparseGpt,
  pruningEvents,
  RewiringHook,
  rewirings,
  runRecipe,
  runTicket,
  Scoring,
  SparseModel,
  train,
  UserError,
  weightsOf,
} from '../src/index.ts'
import { smoothedGradients } from '../src/methods/rewiring/smoothed-gradients.ts'
import { tied } from '../src/methods/tied.ts'
import { tiny } from './experiment/tiny.ts'
import { dataOf, machine, model, smallNetwork, stateOf } from './train/small.ts'

/** What JavaScript may call anything with. */
// biome-ignore lint/suspicious/noExplicitAny: no types, as in JavaScript
type Any = any
const library: Any = {
  checkRecipe,
  chooseTensors,
  dryRun,
  findModel,
  gradualPruning,
  holdOut,
  learningRate,
  Network,
  openMachine,
  overlapOf,
  planTraining,
  prune,
  pruneObc,
  pruneSnows,
  pruneSparseGpt,
  pruningEvents,
  RewiringHook,
  rewirings,
  runRecipe,
  runTicket,
  SparseModel,
  Scoring,
  synthetic,
  train,
  weightsOf,
}

async function refusal(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    expect(error).toBeInstanceOf(UserError)
    expect((error as Error).message).not.toContain('\n')
    return (error as Error).message
  }
  throw new Error('nothing was refused')
}

const schedule = { kind: 'cubic', sparsity: 0.5, start: 0, end: 10, every: 5 }
const rates = { kind: 'constant', base: 0.1 }
const rewiring = { seed: 0 }
const made = () => rewirings.set.make(rewiring)
const hook = { rewiring: made(), schedule: { start: 0, end: 9, period: () => 1 }, rate: () => 1, seed: 0 }
const given = { machine, model, data: dataOf() }

it.each<[string, () => unknown, string]>([
  ...[Number.NaN, 0, 2.5, -1, '16', null].map((batch): [string, () => unknown, string] => [
    `batch ${batch}`,
    () => new library.Network({ ...given, batch }),
    `batch: expected a whole number of at least 1, found ${typeof batch === 'string' ? `"${batch}"` : batch}`,
  ]),
  ['validation', () => smallNetwork({ validation: -1 }), 'validation: expected a whole number of at least 0, found -1'],
  ['a seed', () => smallNetwork({ seed: Number.NaN }), 'seed: expected a whole number of at least 0, found NaN'],
  [
    'kernels',
    () => new library.Network({ ...given, kernels: 'spars' }),
    'kernels: there is no "spars" (did you mean sparse?)',
  ],
  ['init', () => new library.Network({ ...given, init: 'zeros' }), 'init: there is no "zeros"'],
  ['prunable', () => smallNetwork({ prunable: ['fc9.weight'] }), 'prunable: there is no "fc9.weight" (did you mean fc'],
  ['smoothing', () => smoothedGradients(1), 'smoothing: expected a number from 0 to below 1, found 1'],
  ['tying', () => tied({ sparsity: 2 }), 'tying.sparsity: expected a number from 0 to below 1'],
  ['a part', () => (smallNetwork() as Any).evaluate('all'), 'part: there is no "all" (known: test, validation, train)'],
  ['no part', () => (smallNetwork() as Any).evaluate(), 'part: there is no null'],
  ['nothing held out', () => smallNetwork().evaluate('validation'), 'no samples are held out for validation'],
  ['no program for it', () => smallNetwork().evaluate('train'), 'or for all that are trained on evaluatesTraining'],
  ['samples to judge', () => smallNetwork().evaluateTraining(new Uint32Array(7)), 'no program that evaluates 7 train'],
  ['a batch that there is not', () => smallNetwork().step([1, 2, 3]), 'the network has no training step on 3 samples'],
  ['epochs', () => library.train(smallNetwork(), { schedule: rates, epochs: 1.5 }), 'epochs: expected a whole number'],
  [
    'no epochs',
    () => library.train(smallNetwork(), { schedule: rates }),
    'epochs: expected a whole number of at least 0, found null',
  ],
  [
    'a kind of rates',
    () => library.train(smallNetwork(), { epochs: 1, schedule: { kind: 'cosin', base: 1 } }),
    'schedule.kind: there is no "cosin" (did you mean cosine?)',
  ],
  ['no rates', () => library.train(smallNetwork(), { epochs: 1 }), 'schedule: expected an object such as'],
  [
    'a rate',
    () => library.train(smallNetwork(), { epochs: 1, schedule: { kind: 'constant', base: Number.NaN } }),
    'schedule.base: expected a number of at least 0, found NaN',
  ],
  [
    'a momentum',
    () => library.train(smallNetwork(), { epochs: 1, schedule: rates, optimizer: { momentum: 9 } }),
    'optimizer.momentum: expected a number from 0 to below 1, found 9',
  ],
  [
    'a hook',
    () => library.train(smallNetwork(), { epochs: 1, schedule: rates, hooks: [{}] }),
    'hooks: expected objects with a function atStep, found another at index 0',
  ],
  [
    'no batch',
    () => library.train(new Network(given), { epochs: 1, schedule: rates }),
    'batch: expected a network that was made with one',
  ],
  [
    'a learning rate of no kind',
    () => library.learningRate({ kind: 'x', base: 1, total: 9 }, 0),
    'kind: there is no "x"',
  ],
  [
    'a kind of events',
    () => library.pruningEvents({ ...schedule, kind: 'linear' }),
    'schedule.kind: there is no "linear"',
  ],
  ['events that end too soon', () => library.pruningEvents({ ...schedule, start: 11 }), 'expected end >= start'],
  [
    'a start',
    () => library.pruningEvents({ ...schedule, start: Number.NaN }),
    'schedule.start: expected a whole number of at least 0, found NaN',
  ],
  ['a period', () => library.pruningEvents({ ...schedule, every: 0.5 }), 'schedule.every: expected a whole number'],
  ['no schedule', () => library.gradualPruning({}), 'schedule: expected an object with kind, sparsity,'],
  [
    'a method of gradual pruning',
    () => library.gradualPruning({ schedule, method: 'magnitud' }),
    'method: there is no "magnitud" (did you mean magnitude?)',
  ],
  [
    'a scope of gradual pruning',
    () => library.gradualPruning({ schedule, scope: 'local' }),
    'scope: there is no "local"',
  ],
  ...[2, Number.NaN, -0.1, '0.5', undefined].map((sparsity): [string, () => unknown, string] => [
    `sparsity ${sparsity}`,
    () => library.prune(smallNetwork(), { sparsity }),
    `expected a sparsity from 0 to 1, found ${sparsity}`,
  ]),
  ['a method', () => library.prune(smallNetwork(), { sparsity: 0.5, method: 'snap' }), 'method: there is no "snap"'],
  [
    'a scope',
    () => library.prune(smallNetwork(), { sparsity: 0.5, scope: 'toString' }),
    'scope: there is no "toString"',
  ],
  [
    'a granularity',
    () => library.prune(smallNetwork(), { sparsity: 0.5, granularity: '4:2' }),
    'granularity: expected one of',
  ],
  [
    'what to do about collapse',
    () => library.prune(smallNetwork(), { sparsity: 0.5, onCollapse: 'stop' }),
    'onCollapse: there is no "stop"',
  ],
  [
    'a floor',
    () => library.prune(smallNetwork(), { sparsity: 0.5, floor: '1%' }),
    'floor: expected what parseFloor makes',
  ],
  [
    'a seed of pruning',
    () => library.prune(smallNetwork(), { sparsity: 0.5, seed: 'a' }),
    'seed: expected a whole number',
  ],
  [
    'samples of scores',
    () => new library.Scoring({ method: 'snip', samples: 0 }),
    'scoring.samples: expected a whole number of at least 1, found 0',
  ],
  ['a method of scores', () => new library.Scoring({ method: 'snup' }), 'method: there is no "snup"'],
  [
    'batch norm of scores',
    () => new library.Scoring({ method: 'snip', batchNorm: 'on' }),
    'scoring.batchNorm: there is no "on"',
  ],
  [
    'obc',
    () => library.pruneObc(smallNetwork(), { sparsity: Number.NaN }),
    'expected a sparsity from 0 to 1, found NaN',
  ],
  ['a scope of obc', () => library.pruneObc(smallNetwork(), { sparsity: 0.5, scope: 'x' }), 'scope: there is no "x"'],
  [
    'a scope of sparsegpt',
    () => library.pruneSparseGpt(smallNetwork(), { sparsity: 0.5, scope: 'global' }),
    'scope: there is no "global"',
  ],
  [
    'snows',
    () => library.pruneSnows(smallNetwork(), { sparsity: 0.5, horizon: '3' }),
    'horizon: expected a whole number of at least 1, found "3"',
  ],
  [
    'a rewiring',
    () => library.rewirings.set.make({ ...rewiring, fraction: 2 }),
    'rewiring: fraction: expected at most 1, found 2',
  ],
  [
    'a hook that rewires',
    () => new library.RewiringHook({ ...hook, schedule: { start: 0, end: 9 } }),
    'schedule.period: expected a function',
  ],
  ['gradients', () => new library.RewiringHook({ ...hook, gradients: 'all' }), 'gradients: there is no "all"'],
  ['an engine', () => library.openMachine({ engine: 'gpu' }), 'engine: there is no "gpu"'],
  ['threads', () => library.openMachine({ threads: 0 }), 'threads: expected a whole number from 1 to 256, found 0'],
  ['a set of tensors', () => library.chooseTensors(model, { prunable: 'some' }), 'prunable: there is no "some"'],
  ['a plan', () => library.planTraining(model, 0.5), 'batch: expected a whole number of at least 1, found 0.5'],
  [
    'classes',
    () => library.findModel('mlpnet', { classes: 0 }),
    'classes: expected a whole number of at least 1, found 0',
  ],
  ['synthetic data', () => library.synthetic({ train: -1 }), 'train: expected a whole number of at least 1, found -1'],
  ['noise', () => library.synthetic({ noise: 2 }), 'noise: expected a share from 0 to 1, found 2'],
  ['held-out samples', () => library.holdOut(10, 11, 0), 'validation: expected a whole number from 0 to 10, found 11'],
  ['an overlap', () => library.overlapOf('w', [1], [1, 0]), 'w has 1 weights in one network and 2 in the other'],
  [
    'inference',
    () => new library.SparseModel(weightsOf(smallNetwork()), { machine, kernels: 'fast' }),
    'kernels: there is no "fast"',
  ],
  [
    'a recipe',
    () => library.runRecipe({ name: 'x' }),
    'the recipe: model: expected a value of type object, found nothing',
  ],
  ['a dry recipe', () => library.dryRun({ ...tiny, seed: -1 }), 'the recipe: seed: expected at least 0, found -1'],
  ['no ticket', () => library.runTicket(checkRecipe(tiny, 'tiny')), 'ticket: expected a recipe with this section'],
  [
    'time between checkpoints',
    () => library.runRecipe(checkRecipe(tiny, 'tiny'), { checkpointSeconds: Number.NaN }),
    'checkpointSeconds: expected a number of at least 0, found NaN',
  ],
])('%s', async (_what, work, message) => {
  expect(await refusal(work)).toContain(message)
})

it('a network is trained by one call at a time', async () => {
  const [network, other] = [smallNetwork(), smallNetwork()]
  const options: Parameters<typeof train>[1] = { epochs: 3, schedule: { kind: 'constant', base: 0.1 } }
  const first = train(network, { ...options, epochs: 200 })
  expect(await refusal(() => train(network, options))).toBe(
    'this network is being trained already: expected the first training to be awaited',
  )
  await first
  // Afterwards it can be trained again, and as if nothing else had been asked for.
  await train(other, { ...options, epochs: 200 })
  expect(stateOf(network)).toEqual(stateOf(other))
  await train(network, options)
})

it('what was refused has changed nothing', async () => {
  const network = smallNetwork()
  const before = stateOf(network)
  for (const changes of [{ sparsity: 2 }, { sparsity: 0.5, scope: 'x' }, { sparsity: 0.5, granularity: 'x' }])
    await refusal(() => library.prune(network, changes))
  expect(stateOf(network)).toEqual(before)
})
