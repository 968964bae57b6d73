/** @file How a recipe moves the weights of a sparse network while it trains. */
import type { LabelledSet } from '../../data/dataset.ts'
import { sizeOf } from '../../graph/tensor.ts'
import type { RewiringEvent } from '../../methods/rewiring/event.ts'
import { HiddenWeights } from '../../methods/rewiring/hidden-weights.ts'
import { RewiringHook } from '../../methods/rewiring/hook.ts'
import { idlePlaces } from '../../methods/rewiring/idle.ts'
import { rewiringOf } from '../../methods/rewiring/index.ts'
import { beginning, graphOf, type Model } from '../../models/model.ts'
import { learningRate, type RateSchedule } from '../../optim/schedule.ts'
import { isRun } from '../../sparsity/granularity/runs.ts'
import { toSteps } from '../../util/duration.ts'
import { UserError } from '../../util/errors.ts'
import { type OverTime, valueAt } from '../../util/over-time.ts'
import { settingsOf } from '../recipe/checks.ts'
import type { Recipe } from '../recipe/schema.ts'

/** Makes the hook of a run, which is told of every event. */
export type RewiringPlan = (onEvent: (event: RewiringEvent) => void) => RewiringHook

/** Steps between the events that are told of, where there is one after every step. */
const TOLD = 100

/** Undefined where the recipe rewires nothing. Throws UserError where its times do not fit. */
export function rewiringPlan(
  recipe: Recipe,
  model: Model,
  rates: RateSchedule,
  stepsPerEpoch: number,
  data: LabelledSet,
): RewiringPlan | undefined {
  const { rewire, prune, seed } = recipe
  const faithful = rewire && settingsOf(rewire).faithful === true
  if (!rewire || !prune) return undefined
  const steps = (time: string) => toSteps(time, stepsPerEpoch)
  const every = valueAt<string>(rewire.every as OverTime<string>, stepsPerEpoch, 'rewire.every')
  const method = rewiringOf(rewire.method)
  const { gradients, everyStep = false } = method
  const gradual = prune.schedule !== 'one-shot'
  const settings = Object.entries(settingsOf(rewire)).map(([key, value]) => {
    const varies = typeof value === 'object' && value !== null
    return [key, varies ? valueAt(value as OverTime<number>, stepsPerEpoch, `rewire.${key}`) : value]
  })
  const [start, end] = [steps(prune.start), steps(rewire.end)]
  if (end <= start)
    throw new UserError(`rewire.end: expected a time after prune.start ${prune.start}, found ${rewire.end}`)
  // Where images are shifted, their borders vary.
  const known = gradients === undefined && !faithful && recipe.data.augment === 'none'
  const idle = known ? idlePlaces(model, data) : undefined
  return (onEvent) =>
    new RewiringHook({
      rewiring: method.make({ ...Object.fromEntries(settings), seed }),
      seed,
      gradients,
      onEvent,
      idle,
      gradual,
      granularity: isRun(prune.granularity) ? prune.granularity : undefined,
      ...(faithful && { hidden: hiddenWeights(recipe, model, start) }),
      schedule: { start, end, period: everyStep ? () => 1 : (step) => steps(every(step)) },
      rate: (step) => learningRate(rates, step - 1),
      // A line for every step would be longer than the run.
      logged: (step) => !everyStep || step % TOLD === 0,
    })
}

/** Where the network is pruned later than at its beginning, hidden weights begin at zero. */
function hiddenWeights({ model: { init, weights }, seed, train }: Recipe, model: Model, start: number): HiddenWeights {
  const { tensors } = graphOf(model)
  const begin = beginning(model, init, seed)
  return new HiddenWeights(train, (name) => {
    const tensor = tensors.get(name)!
    return start > 0 || weights !== undefined ? new Float32Array(sizeOf(tensor.shape)) : begin(tensor)
  })
}
