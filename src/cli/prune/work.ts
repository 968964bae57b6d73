/** @file What espalier prune does to a network that runs, with data. */
import { openMachine } from '../../engine/machines/open.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { PruneResult as MethodResult, Polished, RefreshedStatistics } from '../../methods/masks.ts'
import { type Act, once, type PruningPlan, pruneAsPlanned } from '../../methods/method.ts'
import { movedShare } from '../../methods/starved.ts'
import { loadWeights } from '../../train/checkpoint.ts'
import { judgesByDistance } from '../../train/distance.ts'
import type { Metric } from '../../train/metric.ts'
import { Network } from '../../train/network.ts'
import { lacksSampleGradients } from '../../train/sample-gradients.ts'
import { finite } from '../../util/checks.ts'
import { version } from '../../util/version.ts'
import { type Measured, measured } from '../display/measured.ts'
import { printNote } from '../display/output.ts'
import type { EvaluationData } from '../flags/data.ts'
import type { PruneDisplay } from './progress.ts'
import { settingFlag, settingKeys } from './setting-flags.ts'
import { type PruneFlags, type PruneTask, planOf } from './settings.ts'

export interface Work {
  flags: PruneFlags
  task: PruneTask
  inputs: EvaluationData
  /** What is measured beside accuracy or distance. */
  metric?: Metric
  display?: Pick<PruneDisplay, 'line' | 'show'>
  /** Whether it is told how far the weights that are left moved. */
  moves?: boolean
}

/**
 * The network with its weights, the names of the tensors, the settings that were filled in, and the work
 * itself. Throws UserError where something does not fit.
 */
export async function prepare(file: WeightsFile, path: string, work: Work) {
  const { flags, task, inputs, display } = work
  const { data } = inputs
  const { model, tensors } = task.request
  const notice = (sentence: string) => (display ? display.line(`note: ${sentence}`) : printNote(sentence))
  const plan = await planOf(task, {
    data: { name: data.name, samples: data.train.count },
    cache: flags.fisherCache === undefined ? undefined : { folder: flags.fisherCache, notice },
  })
  const lacking =
    task.method.takes.includes('polish') && task.settings.polish === undefined && lacksSampleGradients(model)
  if (lacking) notice(`weights that are left are not polished: ${lacking}`)
  const network = new Network({
    machine: await openMachine(),
    model,
    data,
    // Masks are part of training programs, of which there are none where distances judge.
    ...(judgesByDistance(model, data) ? { masks: true, seed: task.request.seed } : { batch: 1 }),
    ...plan.network,
  })
  loadWeights(network, file, path)
  checkFinite(network, path)
  if (network.judgedByDistance) network.remember()

  return {
    network,
    names: tensors.map(({ name }) => name),
    settings: plan.settings,
    judged: plan.network.judged ?? 0,
    run: () => pruned(plan, network, work),
  }
}

export type Prepared = Awaited<ReturnType<typeof prepare>>

/** Prunes, and evaluates the test set after every act whose result stays. */
function pruned(
  plan: PruningPlan,
  network: Network,
  { task: { sparsity, request }, metric, display, moves }: Omit<Work, 'flags' | 'inputs'>,
): Outcome {
  const before = moves && request.tensors.map(({ name }) => network.weights.whole(name).slice())
  let moved: number | undefined
  const stopwatch = new Stopwatch()
  const evaluations: Partial<Record<Act, Measured>> = {}
  const laps: Partial<Record<Act, number>> = {}
  stopwatch.start()
  const result = pruneAsPlanned(plan, network, once(sparsity), 0, display?.show, (act, stays) => {
    stopwatch.stop()
    laps[act] = stopwatch.seconds
    if (act === 'prune' && before)
      moved = movedShare(
        before,
        request.tensors.map(({ name }) => network.weights.whole(name)),
      )
    if (stays) evaluations[act] = measured(network, metric)
    stopwatch.start()
  })
  stopwatch.stop()
  const { stages, reconstructions, reconstructed, gradients, statistics, polished, seconds } = result
  return {
    pruned: evaluations.prune!,
    ...(stages && { stages }),
    ...(reconstructions && { reconstructions }),
    ...(reconstructed && { reconstructed }),
    ...(gradients && { gradients }),
    ...(moved !== undefined && { moved }),
    seconds: {
      ...seconds,
      ...(statistics && { statistics: laps.refresh! - laps.prune! }),
      ...(polished && { polish: polished.seconds }),
    },
    took: stopwatch,
    ...(statistics && { statistics }),
    ...(evaluations.refresh && { refreshed: evaluations.refresh }),
    ...(polished && { polish: polished, polished: evaluations.polish }),
  }
}

/** The test set after pruning, what the method says of its work, and seconds by phase. */
export interface Outcome extends Pick<MethodResult, 'stages' | 'reconstructions' | 'reconstructed' | 'gradients'> {
  pruned: Measured
  /** With new statistics of batch normalizations. */
  refreshed?: Measured
  statistics?: RefreshedStatistics
  /** After updates at constant masks, and what they were. */
  polished?: Measured
  polish?: Polished
  /** Where asked for: how far the method moved the weights that are left, as a share of their size. */
  moved?: number
  seconds: Record<string, number>
  /** Of all that was done to the network, without the evaluations on the test set. */
  took: Took
}

/** Seconds by the clock, and seconds of processors over all threads. */
export interface Took {
  seconds: number
  processorSeconds: number
}

/** Adds up what goes on between its starts and stops. */
class Stopwatch implements Took {
  seconds = 0
  processorSeconds = 0
  #began = 0
  #before = process.cpuUsage()

  start(): void {
    this.#began = performance.now()
    this.#before = process.cpuUsage()
  }

  stop(): void {
    const { user, system } = process.cpuUsage(this.#before)
    this.seconds += (performance.now() - this.#began) / 1000
    this.processorSeconds += (user + system) / 1e6
  }
}

/** Settings by the keys of their flags. */
export const byFlag = (settings: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(settings).map(([key, value]) => [settingKeys.get(key) ?? key, value]))

/** What the file of pruned weights says of how they were made. */
export function described(
  { name, sparsity, request: { scope, flops, sparsities, masks, seed, tensors } }: PruneTask,
  settings: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const set = Object.entries(settings).map(([key, value]) => [settingFlag(key).slice(2), value ?? 'usual'])
  const facts = {
    method: name,
    scope,
    sparsity,
    ...(flops !== undefined && { flops }),
    ...(sparsities && { sparsities: [...sparsities].map(([tensor, share]) => `${tensor}=${share}`).join() }),
    ...(masks?.channels && { channels: [...masks.channels].map(([group, count]) => `${group}=${count}`).join() }),
    seed,
    ...Object.fromEntries(set),
    pruned: tensors.map((tensor) => tensor.name).join(','),
    espalier: version(),
    node: process.version,
  }
  return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, String(value)]))
}

function checkFinite(network: Network, path: string): void {
  for (const { name } of network.stored) finite(`${path}: tensor ${name}`, network.values(name))
}
