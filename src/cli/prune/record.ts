/** @file espalier prune --record: the file that says all that a row of the ledger needs. */
import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Command } from 'commander'
import { datasets } from '../../data/index.ts'
import { describeEnvironment, instructionsOf, peakMemory } from '../../experiment/run/environment.ts'
import { dataHash, tensorsHash } from '../../ledger/content-hash.ts'
import { type PruneRecord, RECORD, type RecordEnvironment } from '../../ledger/record.ts'
import { plain, sealed, sealedText } from '../../ledger/sealed.ts'
import { isStartName } from '../../methods/second-order/composition.ts'
import type { StageReport } from '../../methods/second-order/options.ts'
import { weightsOf } from '../../train/checkpoint.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import type { Network } from '../../train/network.ts'
import { UserError } from '../../util/errors.ts'
import { checkFolder, makeFolder, readBytes, writeAtomically } from '../../util/files.ts'
import { sha256 } from '../../util/sha256.ts'
import { flagName, givenFlags } from '../flags/given.ts'
import { checkOutput } from '../flags/output-file.ts'
import type { PruneCounts } from './report.ts'
import type { PruneFlags, PruneTask } from './settings.ts'
import type { Outcome } from './work.ts'

/**
 * Flags whose effect a record could not repeat, with the reason: files of which it knows nothing, training,
 * other tensors than those that were measured.
 */
const refused = {
  compare: 'which prunes by several methods',
  finetune: 'since a record is of pruning without epochs: espalier run leaves a folder that says the same',
  fisherCache: 'since time and memory would be without the gradients',
  granularity: 'since a record is of single weights',
  sparsities: 'since a record is of one sparsity',
  targetMs: 'since a record is of one sparsity',
  targetKb: 'since a record is of one sparsity',
  targetFlops: 'since a record is of one sparsity',
  maxDrop: 'since a record is of one sparsity',
  labels: 'since a record names no files',
  dense: 'since a record names no files',
  metric: 'since a record names no files',
  layout: 'since a record is of a built-in network',
  dim: 'since a record is of a built-in network',
  given: 'since a record is of a built-in network',
  skipCorrupt: 'since a record is of a whole data set',
  dtype: 'since the file would hold other numbers than those that were measured',
  foldBn: 'since the file would hold other tensors than those that were measured',
  compact: 'since the file would hold other tensors than those that were measured',
}

/** Throws UserError, naming the flag, where what was asked for cannot be recorded. */
export function checkRecordFlags(
  command: Command,
  path: string,
  { data, force, start }: PruneFlags,
  inputs: string[],
): void {
  const given = givenFlags(command)
  for (const [flag, why] of Object.entries(refused))
    if (given.has(flag)) throw new UserError(`--record does not go with ${flagName(command, flag)}, ${why}`)
  if (start !== undefined && !isStartName(start))
    throw new UserError('--record does not go with masks of a file, since a record names no files')
  if (data === undefined) throw new UserError('--record needs --data with a data set or a folder')
  if (!path.endsWith(RECORD))
    throw new UserError(`--record: expected a name that ends in ${RECORD}, by which the ledger finds it, found ${path}`)
  checkFolder(dirname(path))
  if (existsSync(dirname(path))) checkOutput(path, { inputs, force })
}

export interface Recorded {
  /** The file of weights that was read. */
  checkpoint: string
  flags: PruneFlags & { data: string }
  task: PruneTask
  /** With what is usual filled in. */
  settings: Readonly<Record<string, unknown>>
  network: Network
  judged: number
  dense: Evaluation
  final: Evaluation
  outcome: Outcome
  counts: PruneCounts
}

/** Writes the record of a network that was pruned, into a folder that is made where there is none. */
export function writeRecord(path: string, recorded: Recorded): void {
  makeFolder(dirname(path))
  writeAtomically(path, sealedText(recordOf(recorded)))
}

/** The record; memory is what was taken until now. */
function recordOf({ checkpoint, flags, task, network, ...recorded }: Recorded): PruneRecord {
  const { data } = network
  const { settings, judged, dense, final, outcome, counts } = recorded
  const peak = peakMemory() // Before files are read for their hashes.
  const bytes = readBytes(checkpoint)
  const { scope, flops, seed } = task.request
  const record: Omit<PruneRecord, 'digest'> = {
    format: 'espalier prune record 1',
    network: task.request.model.name,
    checkpoint: { name: fileName(checkpoint), sha256: sha256([bytes]), bytes: bytes.length },
    data: {
      name: Object.hasOwn(datasets, flags.data) ? flags.data : fileName(flags.data),
      sha256: dataHash(data),
      train: data.train.count,
      test: data.test.count,
      mean: [...data.mean],
      std: [...data.std],
      ...data.geometry,
    },
    method: task.name,
    sparsity: task.sparsity,
    scope,
    flops,
    seed,
    prunable: flags.prunable === 'all' ? 'all' : 'published',
    include: flags.include,
    exclude: flags.exclude,
    asked: scalars(task.settings),
    settings: {
      ...scalars(task.settings),
      ...scalars({ stages: outcome.stages?.length }, task.method.takes),
      ...scalars(settings, task.method.takes),
    },
    ...(outcome.stages && { stages: outcome.stages.map(stageOf) }),
    layers: counts.layers.map(({ name, size, kept }) => ({ name, size, kept })),
    dense: plainEvaluation(dense),
    final: plainEvaluation(final),
    ...costOf(task, outcome, settings),
    judged,
    seconds: outcome.took.seconds,
    processorSeconds: outcome.took.processorSeconds,
    peakMemory: peak,
    result: tensorsHash(weightsOf(network).tensors),
    environment: environmentOf(network),
  }
  return sealed(record)
}

const stageOf = ({ kept, damping, scale, firstOrder }: StageReport): NonNullable<PruneRecord['stages']>[number] => {
  return { kept, damping, scale, firstOrder }
}

/** Gradients and images that pruning took. */
export function costOf(
  { method }: Pick<PruneTask, 'method'>,
  { gradients = 0, polish, statistics }: Outcome,
  settings: Readonly<Record<string, unknown>>,
): Pick<PruneRecord, 'gradients' | 'images'> {
  const calibration = method.section === 'layerwise' ? Number(settings.samples) : 0
  return {
    gradients: gradients + (polish?.gradients ?? 0),
    images: calibration + (statistics?.images ?? 0),
  }
}

/** Where a network was pruned, in words that any record may hold. */
export function environmentOf({ machine }: Pick<Network, 'machine'>): RecordEnvironment {
  const { espalier, node, threads, processor, processors, memoryGiB, system, started } = describeEnvironment(machine)
  return {
    espalier,
    node,
    instructions: plain(instructionsOf(machine.description), 40),
    threads,
    processor: plain(processor, 80),
    processors,
    memoryGiB,
    system: plain(system, 80),
    date: started,
  }
}

/** The last part of a path, in letters that a record may hold. */
const fileName = (path: string): string =>
  basename(path)
    .replace(/[^A-Za-z0-9._+-]+/g, '-')
    .slice(0, 100) || 'unknown'

/** What a record holds of an evaluation. */
export const plainEvaluation = ({ loss, correct, count }: PruneRecord['final']): PruneRecord['final'] => ({
  loss,
  correct,
  count,
})

/** Settings that hold something, of those that the method takes. */
function scalars(
  settings: Readonly<Record<string, unknown>>,
  takes: readonly string[] = Object.keys(settings),
): PruneRecord['settings'] {
  const kept = Object.entries(settings).filter(([key, value]) => value !== undefined && takes.includes(key))
  return Object.fromEntries(kept) as PruneRecord['settings']
}
