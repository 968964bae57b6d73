/**
 * @file The training loop. It knows hooks, not methods. Given the same network, options and step it always
 * does the same.
 */

import { checkRates, learningRate, type RateSchedule } from '../optim/schedule.ts'
import { checkSgd, type SgdOptions, setHyper } from '../optim/sgd.ts'
import { checkWhole } from '../util/checks.ts'
import { UserError } from '../util/errors.ts'
import { pauseAfter } from '../util/next-turn.ts'
import { random } from '../util/random.ts'
import type { Network } from './network.ts'

/** Something that acts during training. */
export interface Hook {
  /**
   * Called when `step` optimizer steps have been taken: before the first (0), and after every one. A
   * promise is waited for.
   */
  atStep(step: number, network: Network): unknown
}

export interface TrainOptions {
  epochs: number
  /** Default: plain SGD. */
  optimizer?: SgdOptions
  /** The learning rates; their `total` is the number of steps of the run. */
  schedule: Omit<RateSchedule, 'total'>
  /** The seed of the order of samples. Default 0. */
  seed?: number
  hooks?: readonly Hook[]
  /**
   * How many steps count as taken before the first one: learning rates and the order of samples go on from
   * there. Default 0.
   */
  start?: number
  /**
   * How many steps were taken before, when a run is resumed; hooks are then not called for that step again.
   * Default: the run begins, and hooks are called for step `start`.
   */
  resumeAt?: number
  /** The sums of the interrupted epoch, when a run is resumed. */
  epochSoFar?: EpochSums
  /**
   * Called after every step. Where an epoch ends it follows `onEpoch`, and `sums` are those of the next
   * epoch.
   */
  onStep?(progress: StepProgress): void
  /** Called after every epoch. */
  onEpoch?(epoch: EpochResult): void
  /** Its abort ends training after the step in progress. */
  signal?: AbortSignal
}

/** Sums over the samples of the epoch so far. */
export interface EpochSums {
  loss: number
  correct: number
  samples: number
  /** Over the steps: what the network's rules say of each, by name. */
  outputs?: Record<string, number>
}

export interface StepProgress {
  /** How many steps have been taken. */
  step: number
  epoch: number
  sums: EpochSums
}

export interface EpochResult {
  /** The epoch, counted from 1. */
  epoch: number
  step: number
  learningRate: number
  /** The mean over the epoch's batches as they were trained on, weighted by their size. */
  trainLoss: number
  trainAccuracy: number
  /** As in {@link EpochSums}. */
  outputs?: Record<string, number>
}

/** The networks that are being trained. */
const inTraining = new WeakSet<Network>()

/**
 * Trains a network. Samples are shuffled anew in every epoch, and a last, smaller batch is trained on too.
 * Returns the number of steps taken, which are fewer than planned after an abort. Throws UserError where an
 * option has a value that it cannot have, where the network is being trained already, and where training
 * diverges.
 */
export async function train(network: Network, options: TrainOptions): Promise<number> {
  checkTraining(network, options)
  if (inTraining.has(network))
    throw new UserError('this network is being trained already: expected the first training to be awaited')
  inTraining.add(network)
  try {
    return await steps(network, options)
  } finally {
    inTraining.delete(network)
  }
}

function checkTraining({ batch }: Network, options: TrainOptions): void {
  const { epochs, optimizer = {}, schedule, seed, hooks = [], start, resumeAt } = options
  if (batch === 0) throw new UserError('batch: expected a network that was made with one, to be trained, found none')
  checkWhole('epochs', epochs ?? null, 0)
  for (const [name, value] of Object.entries({ seed, start, resumeAt })) checkWhole(name, value, 0)
  checkRates('schedule', schedule)
  checkSgd('optimizer', optimizer)
  const wrong = hooks.findIndex((hook) => typeof hook?.atStep !== 'function')
  if (wrong >= 0) throw new UserError(`hooks: expected objects with a function atStep, found another at index ${wrong}`)
}

async function steps(network: Network, options: TrainOptions): Promise<number> {
  const { epochs, optimizer = {}, seed = 0, hooks = [], start = 0, resumeAt, onStep, onEpoch, signal } = options
  const { batch, stepsPerEpoch: perEpoch } = network
  const samples = network.indices.train
  const schedule = { ...options.schedule, total: epochs * perEpoch }
  let step = resumeAt ?? start
  let sums: EpochSums = options.epochSoFar ?? { loss: 0, correct: 0, samples: 0 }
  if (resumeAt === undefined) for (const hook of hooks) await hook.atStep(start, network)
  const pause = pauseAfter(50)

  while (step < schedule.total) {
    const epoch = Math.floor(step / perEpoch)
    const order = random(seed, 'shuffle', epoch).permutation(samples.length)
    while (step < (epoch + 1) * perEpoch) {
      if (signal?.aborted) return step
      const from = (step % perEpoch) * batch
      const chosen = Uint32Array.from(order.subarray(from, from + batch), (i) => samples[i])
      const rate = learningRate(schedule, step)
      const when = { seed, epoch, step }
      await network.load(chosen, when)
      setHyper(network.executable, rate, optimizer)
      const { loss, correct, outputs } = network.step(chosen, when)
      if (!Number.isFinite(loss))
        throw new UserError(
          `the loss became ${loss} at step ${step + 1} (learning rate ${rate}): a smaller learning rate may help`,
        )
      for (const [name, value] of Object.entries(outputs))
        if (!Number.isFinite(value))
          throw new UserError(
            `the ${name} is ${value} at step ${step + 1} (learning rate ${rate}), expected a finite number: a smaller learning rate may help`,
          )
      step++
      sums.loss += loss * chosen.length
      sums.correct += correct
      sums.samples += chosen.length
      for (const [name, value] of Object.entries(outputs))
        sums.outputs = { ...sums.outputs, [name]: (sums.outputs?.[name] ?? 0) + value }
      for (const hook of hooks) await hook.atStep(step, network)
      if (step % perEpoch === 0) {
        const { loss: total, correct: hits, samples: count, outputs: all } = sums
        sums = { loss: 0, correct: 0, samples: 0 }
        onEpoch?.({
          epoch: epoch + 1,
          step,
          learningRate: rate,
          trainLoss: total / count,
          trainAccuracy: hits / count,
          ...(all && { outputs: all }),
        })
      }
      onStep?.({ step, epoch: epoch + 1, sums })
      // The event loop serves signals and timers in between.
      await pause()
    }
  }
  return step
}
