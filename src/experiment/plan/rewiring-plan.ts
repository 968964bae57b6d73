/**
 * @file The section `rewire` of a recipe: which method moves the weights of a sparse network while it trains,
 * and when.
 */
import { z } from 'zod'
import { sizeOf } from '../../graph/tensor.ts'
import { HiddenWeights } from '../../methods/rewiring/hidden-weights.ts'
import { type RewiringEvent, RewiringHook } from '../../methods/rewiring/hook.ts'
import { type RewiringName, rewirings } from '../../methods/rewiring/index.ts'
import { beginning, graphOf } from '../../models/model.ts'
import { learningRate } from '../../optim/schedule.ts'
import { isRun, runNames } from '../../sparsity/granularity/runs.ts'
import { UserError } from '../../util/errors.ts'
import { isDuration, toSteps } from '../recipe/duration.ts'
import type { Recipe } from '../recipe/recipe.ts'
import { modelOf, rateSchedule } from './setup.ts'

const duration = z.string().refine(isDuration, 'expected a duration such as 4ep or 500it')
/** One value for all of a run, or what it is from a time on. */
const overTime = <T extends z.ZodType>(value: T) => z.union([value, z.record(duration, value)])

export const rewireSchema = z.strictObject({
  method: z.enum(Object.keys(rewirings) as [RewiringName, ...RewiringName[]]),
  every: overTime(duration)
    .default('100it')
    .describe('Time between events: one, or several by when they begin. Not for deepr.'),
  end: duration.describe('No event from here on.'),
  moves: z.int().min(1).optional().describe('dsr: weights that should move at an event.'),
  tolerance: z.number().positive().optional().describe('dsr: how far from that the threshold stays as it is (0.1).'),
  threshold: z.number().positive().optional().describe('dsr: at the first event (1e-3).'),
  faithful: z
    .boolean()
    .optional()
    .describe('dsr: times, counts and momentum as in the published code, for comparisons; only on dense kernels.'),
  fraction: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'set, set-magnitude, rigl (0.3), snfs (0.5): share of the weights of a tensor that move at an event, rigl and snfs: at the first.',
    ),
  temperature: overTime(z.number().min(0)).optional().describe('deepr: T of the random walk (0).'),
  eta: z.number().positive().optional().describe('deepr: noise of the gradient instead of the weights.'),
})

/** Throws UserError where a key is missing or means nothing to the method. */
export function checkRewire({ rewire, prune, train }: Recipe, source: string): void {
  if (!rewire) return
  const { method, every: _, end: __, ...others } = rewire
  const { needs = [], takes = [], gradients, weightsOnly } = rewirings[method]
  for (const key of needs)
    if (!Object.hasOwn(others, key)) throw new UserError(`${source}: rewire.${key}: ${method} needs it, found nothing`)
  for (const key of Object.keys(others))
    if (!needs.includes(key) && !takes.includes(key))
      throw new UserError(`${source}: rewire.${key}: ${method} has no use for it`)
  if (gradients === 'smoothed' && train.momentum === 0)
    throw new UserError(`${source}: train.momentum: ${method} needs a momentum above 0, found 0`)
  if (rewire.faithful && train.kernels === 'sparse')
    throw new UserError(
      `${source}: train.kernels: rewire.faithful goes on with masked weights, expected dense, found sparse`,
    )
  if (prune?.schedule !== 'one-shot')
    throw new UserError(
      `${source}: rewire: needs a prune section with a one-shot schedule, which makes the network sparse`,
    )
  const { granularity } = prune
  const movable: string[] = weightsOnly ? ['weight'] : runNames
  if (!movable.includes(granularity))
    throw new UserError(
      `${source}: prune.granularity: expected ${movable.join(', ')} with ${method}, found ${granularity}`,
    )
}

/** Undefined where the recipe rewires nothing. Throws UserError where its times do not fit. */
export function rewiringHook(
  recipe: Recipe,
  stepsPerEpoch: number,
  onEvent: (event: RewiringEvent) => void,
): RewiringHook | undefined {
  const { rewire, prune, seed, train } = recipe
  if (!rewire || !prune) return undefined
  const steps = (time: string) => toSteps(time, stepsPerEpoch)
  const period = piecewise(rewire.every, steps, steps, 'rewire.every')
  const { make, gradients, everyStep = false } = rewirings[rewire.method]
  const { moves = 0, temperature = 0 } = rewire
  const rewiring = make({
    ...rewire,
    seed,
    moves,
    temperature: piecewise(temperature, steps, Number, 'rewire.temperature'),
  })
  const [start, end] = [steps(prune.start), steps(rewire.end)]
  if (end <= start)
    throw new UserError(`rewire.end: expected a time after prune.start ${prune.start}, found ${rewire.end}`)
  const schedule = { ...rateSchedule(recipe, stepsPerEpoch), total: train.epochs * stepsPerEpoch }
  return new RewiringHook({
    rewiring,
    seed,
    gradients,
    onEvent,
    granularity: isRun(prune.granularity) ? prune.granularity : undefined,
    ...(rewire.faithful && { hidden: hiddenWeights(recipe, start) }),
    schedule: { start, end, period: everyStep ? () => 1 : period },
    rate: (step) => learningRate(schedule, step - 1),
    // A line for every step would be longer than the run.
    logged: (step) => !everyStep || step % LOGGED === 0,
  })
}

/** Where the network is pruned later than at its beginning, hidden weights begin at zero. */
function hiddenWeights(recipe: Recipe, start: number): HiddenWeights {
  const { model: chosen, seed, train } = recipe
  const model = modelOf(recipe)
  const { tensors } = graphOf(model)
  const begin = beginning(model, chosen.init, seed)
  return new HiddenWeights(train, (name) => {
    const tensor = tensors.get(name)!
    return start > 0 || chosen.weights !== undefined ? new Float32Array(sizeOf(tensor.shape)) : begin(tensor)
  })
}

const LOGGED = 100

/** The value at a step: that of the last time that has come. */
function piecewise<T extends string | number>(
  values: T | Record<string, T>,
  steps: (time: string) => number,
  read: (value: T) => number,
  key: string,
): (step: number) => number {
  if (typeof values !== 'object') return () => read(values)
  const pieces = Object.entries(values)
    .map(([time, value]) => [steps(time), read(value)] as const)
    .sort(([a], [b]) => a - b)
  if (pieces[0]?.[0] !== 0) throw new UserError(`${key}: expected a value from 0ep on, found none`)
  return (step) => pieces.findLast(([from]) => from <= step)![1]
}
