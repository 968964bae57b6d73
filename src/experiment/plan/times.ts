/** @file The times of a recipe as steps of its training. Each throws UserError where one does not fit it. */
import type { RateSchedule } from '../../optim/schedule.ts'
import { type PruningSchedule, pruningEvents } from '../../sparsity/schedule.ts'
import { toSteps } from '../../util/duration.ts'
import { UserError } from '../../util/errors.ts'
import { valueAt } from '../../util/over-time.ts'
import type { Recipe } from '../recipe/schema.ts'

/** When a recipe prunes; undefined where it does not. */
export function pruningSchedule({ prune, train }: Recipe, stepsPerEpoch: number): PruningSchedule | undefined {
  if (!prune) return undefined
  const { schedule: kind, sparsity, initial } = prune
  const [start, every] = [toSteps(prune.start, stepsPerEpoch), toSteps(prune.every, stepsPerEpoch)]
  const end = prune.end === undefined || kind === 'one-shot' ? start : toSteps(prune.end, stepsPerEpoch)
  if (kind !== 'one-shot' && (end < start || every < 1))
    throw new UserError(
      `prune: expected start <= end and every >= 1it, found start ${prune.start}, end ${prune.end}, every ${prune.every}`,
    )
  if (kind === 'alternating' && end <= start + every)
    throw new UserError(
      `prune.end: expected a time after start + every with alternating phases, found start ${prune.start}, end ${prune.end}, every ${prune.every}`,
    )
  const steps = train.epochs * stepsPerEpoch
  if (end > steps)
    throw new UserError(
      kind === 'one-shot'
        ? `prune.start: expected a time within the ${train.epochs} epochs of the training, found ${prune.start}`
        : `prune.end: expected a time within the ${train.epochs} epochs of the training, found ${prune.end}`,
    )
  return { kind, sparsity, start, end, every, initial }
}

/**
 * The step from which on the best epoch is looked for: the last pruning event; undefined where the last is
 * kept.
 */
export function keptFrom({ train }: Recipe, schedule: PruningSchedule | undefined): number | undefined {
  if (train.keep !== 'best') return undefined
  return schedule ? pruningEvents(schedule).at(-1)!.step : 0
}

/** The step at which training begins. */
export function firstStep({ train }: Recipe, stepsPerEpoch: number): number {
  const [first, steps] = [toSteps(train.start ?? '0it', stepsPerEpoch), train.epochs * stepsPerEpoch]
  if (first <= steps) return first
  throw new UserError(
    `train.start: expected a time within the ${train.epochs} epochs of the training, found ${train.start}`,
  )
}

/** The step at which a snapshot is written; undefined where none is. */
export function snapshotStep(recipe: Recipe, stepsPerEpoch: number): number | undefined {
  const { snapshot, epochs, start = '0ep' } = recipe.train
  if (snapshot === undefined) return undefined
  const [first, steps] = [firstStep(recipe, stepsPerEpoch), epochs * stepsPerEpoch]
  const step = toSteps(snapshot, stepsPerEpoch)
  if (first <= step && step <= steps) return step
  throw new UserError(`train.snapshot: expected a time from ${start} to ${epochs}ep, found ${snapshot}`)
}

/** The step from which on GSM's largest weights are active; undefined where there is none. */
export function freezeStep({ train: { gsm, epochs } }: Recipe, stepsPerEpoch: number): number | undefined {
  if (gsm?.freeze === undefined) return undefined
  const [step, steps] = [toSteps(gsm.freeze, stepsPerEpoch), epochs * stepsPerEpoch]
  if (step < steps) return step
  throw new UserError(`train.gsm.freeze: expected a time before the end of ${epochs} epochs, found ${gsm.freeze}`)
}

/** After how many steps Sign-In balances its factors anew; undefined where there are none. */
export function balancePeriod({ train: { signIn } }: Recipe, stepsPerEpoch: number): number | undefined {
  if (!signIn) return undefined
  const every = toSteps(signIn.every, stepsPerEpoch)
  if (every >= 1) return every
  throw new UserError(`train.signIn.every: expected a step or more, found ${signIn.every}`)
}

/** A sentence about drops of the learning rate that never come; undefined where all do. */
export function dropsProblem({ train }: Recipe, { drops = [], total }: RateSchedule): string | undefined {
  const late = train.drops.filter((_, i) => drops[i] >= total)
  if (total === 0 || late.length === 0) return undefined
  return `train.drops: training ends after ${train.epochs} epochs, so that the rate never drops at ${late.join(', ')}`
}

/** The learning rates. */
export function rateSchedule({ train }: Recipe, stepsPerEpoch: number): RateSchedule {
  const { schedule, learningRate, warmup, drops, factor, epochs } = train
  const steps = (duration: string) => toSteps(duration, stepsPerEpoch)
  return {
    kind: schedule,
    base: typeof learningRate === 'number' ? learningRate : valueAt(learningRate, stepsPerEpoch, 'train.learningRate'),
    warmup: steps(warmup),
    drops: drops.map(steps),
    factor,
    total: epochs * stepsPerEpoch,
  }
}
