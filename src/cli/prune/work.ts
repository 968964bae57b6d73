/** @file What espalier prune does to a network that runs, with data. */
import { openMachine } from '../../engine/machines/open.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { PruneResult as MethodResult, Polished, RefreshedStatistics } from '../../methods/masks.ts'
import { once } from '../../methods/method.ts'
import { loadWeights } from '../../train/checkpoint.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import { Network } from '../../train/network.ts'
import { UserError } from '../../util/errors.ts'
import { version } from '../../util/version.ts'
import { printNote } from '../display/output.ts'
import type { EvaluationData } from '../flags/data.ts'
import type { PruneDisplay } from './progress.ts'
import { settingFlag, settingKeys } from './setting-flags.ts'
import { type PruneFlags, type PruneTask, planOf } from './settings.ts'

export interface Work {
  flags: PruneFlags
  task: PruneTask
  inputs: EvaluationData
  display?: PruneDisplay
}

/**
 * The network with its weights, the names of the tensors, the settings that were filled in, and the work
 * itself. Throws UserError where something does not fit.
 */
export async function prepare(file: WeightsFile, path: string, { flags, task, inputs, display }: Work) {
  const { data } = inputs
  const { model, tensors } = task.request
  const notice = (sentence: string) => (display ? display.line(`note: ${sentence}`) : printNote(sentence))
  const plan = await planOf(task, {
    data: { name: data.name, samples: data.train.count },
    cache: flags.fisherCache === undefined ? undefined : { folder: flags.fisherCache, notice },
  })
  const network = new Network({
    machine: await openMachine(),
    model,
    data,
    batch: 1, // Masks are part of training programs.
    ...plan.network,
  })
  loadWeights(network, file, path)
  checkFinite(network, path)

  const run = (): Outcome => {
    const stopwatch = new Stopwatch()
    const { flops, sparsities } = task.request
    if (task.sparsity === 0 && flops === undefined && sparsities === undefined)
      return { pruned: network.evaluate('test'), seconds: {}, took: stopwatch }
    const result = stopwatch.timed(() => plan.prune(network, once(task.sparsity), 0, display?.show))
    const { stages, reconstructions, gradients, seconds } = result
    const pruned = network.evaluate('test')
    const outcome: Outcome = {
      pruned,
      ...(stages && { stages }),
      ...(reconstructions && { reconstructions }),
      ...(gradients && { gradients }),
      seconds: { ...seconds },
      took: stopwatch,
    }
    if (plan.refresh) {
      const before = stopwatch.seconds
      outcome.statistics = stopwatch.timed(() => plan.refresh!(network, display?.show))
      outcome.seconds.statistics = stopwatch.seconds - before
      if (outcome.statistics.taken) outcome.refreshed = network.evaluate('test')
    }
    if (plan.polish) {
      outcome.polish = stopwatch.timed(() => plan.polish!(network, display?.show))
      outcome.seconds.polish = outcome.polish.seconds
      outcome.polished = network.evaluate('test')
    }
    return outcome
  }
  return {
    network,
    names: tensors.map(({ name }) => name),
    settings: plan.settings,
    judged: plan.network.judged ?? 0,
    run,
  }
}

/** The test set after pruning, what the method says of its work, and seconds by phase. */
export interface Outcome extends Pick<MethodResult, 'stages' | 'reconstructions' | 'gradients'> {
  pruned: Evaluation
  /** With new statistics of batch normalizations. */
  refreshed?: Evaluation
  statistics?: RefreshedStatistics
  /** After updates at constant masks, and what they were. */
  polished?: Evaluation
  polish?: Polished
  seconds: Record<string, number>
  /** Of all that was done to the network, without the evaluations on the test set. */
  took: Took
}

/** Seconds by the clock, and seconds of processors over all threads. */
export interface Took {
  seconds: number
  processorSeconds: number
}

/** Adds up what several pieces of work take. */
class Stopwatch implements Took {
  seconds = 0
  processorSeconds = 0

  timed<T>(work: () => T): T {
    const [began, before] = [performance.now(), process.cpuUsage()]
    const result = work()
    const { user, system } = process.cpuUsage(before)
    this.seconds += (performance.now() - began) / 1000
    this.processorSeconds += (user + system) / 1e6
    return result
  }
}

/** Settings by the keys of their flags. */
export const byFlag = (settings: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(settings).map(([key, value]) => [settingKeys.get(key) ?? key, value]))

/** What the file of pruned weights says of how they were made. */
export function described(
  { name, sparsity, request: { scope, flops, sparsities, seed, tensors } }: PruneTask,
  settings: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const set = Object.entries(settings).map(([key, value]) => [settingFlag(key).slice(2), value ?? 'usual'])
  const facts = {
    method: name,
    scope,
    sparsity,
    ...(flops !== undefined && { flops }),
    ...(sparsities && { sparsities: [...sparsities].map(([tensor, share]) => `${tensor}=${share}`).join() }),
    seed,
    ...Object.fromEntries(set),
    pruned: tensors.map((tensor) => tensor.name).join(','),
    espalier: version(),
    node: process.version,
  }
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)]))
}

function checkFinite(network: Network, path: string): void {
  for (const { name } of network.stored) {
    const values = network.values(name)
    const at = values.findIndex((value) => !Number.isFinite(value))
    if (at >= 0)
      throw new UserError(`${path}: tensor ${name} holds ${values[at]} at index ${at}, expected finite values`)
  }
}
