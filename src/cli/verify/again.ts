/** @file A record done again: the checkpoint pruned by the settings of the record. */
import { instructionsOf } from '../../experiment/run/environment.ts'
import type { Again } from '../../ledger/compare.ts'
import { tensorsHash } from '../../ledger/content-hash.ts'
import type { PruneRecord, RecordEnvironment } from '../../ledger/record.ts'
import { weightsOf } from '../../train/checkpoint.ts'
import { asEvaluation } from '../display/measured.ts'
import { PruneDisplay } from '../prune/progress.ts'
import { costOf, environmentOf } from '../prune/record.ts'
import { pruneCounts } from '../prune/report.ts'
import { settingKeys } from '../prune/setting-flags.ts'
import { type PruneFlags, pruneTask } from '../prune/settings.ts'
import { prepare } from '../prune/work.ts'
import { dataName, recordedCheckpoint, recordedData } from './inputs.ts'

export interface Done {
  again: Again
  environment: RecordEnvironment
}

/** Throws UserError where checkpoint or data are not those of the record. */
export async function pruneAgain(
  record: PruneRecord,
  { checkpoint, data, json }: { checkpoint: string; data?: string; json?: boolean },
): Promise<Done> {
  const { file, path, model } = await recordedCheckpoint(record, checkpoint)
  const name = dataName(record, data)
  const flags = flagsOf(record, name)
  const task = pruneTask(flags, model)
  const inputs = await recordedData(record, name, model)
  const display = json ? undefined : new PruneDisplay()
  try {
    const { network, names, settings, run } = await prepare(file, path, { flags, task, inputs, display })
    const dense = network.evaluate('test')
    const outcome = run()
    const { pruned, refreshed = pruned, polished: final = refreshed } = outcome
    const again: Again = {
      layers: pruneCounts(network, names).layers,
      result: tensorsHash(weightsOf(network).tensors),
      dense,
      final: asEvaluation(final),
      ...costOf(task, outcome, settings),
      instructions: instructionsOf(network.machine.description),
    }
    return { again, environment: environmentOf(network) }
  } finally {
    display?.stop()
  }
}

/** The flags of espalier prune that a record stands for; none of them names a file. */
function flagsOf({ settings, data: inputs, ...record }: PruneRecord, data: string): PruneFlags {
  const set = Object.entries(settings).map(([key, value]) => [settingKeys.get(key)!, value])
  return {
    ...Object.fromEntries(set),
    method: record.method,
    sparsity: String(record.sparsity),
    scope: record.scope,
    flops: record.flops?.toString(),
    seed: String(record.seed),
    prunable: record.prunable,
    include: record.include,
    exclude: record.exclude,
    onCollapse: 'warn',
    data,
    mean: inputs.mean.join(),
    std: inputs.std.join(),
    size: inputs.size,
    crop: inputs.crop,
  }
}
