/** @file The work of espalier sensitivity. */
import type { Command } from 'commander'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { sensitivityPicture } from '../../report/pictures/sensitivity.ts'
import { measureLatency } from '../../target/latency.ts'
import { type Estimates, proxyError } from '../../target/proxy.ts'
import { judgesByDistance } from '../../train/distance.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import { DISTANCES } from '../display/measured.ts'
import { print, printJson, printNote } from '../display/output.ts'
import { oneOf } from '../flags/choices.ts'
import { guessWarning, preprocessingJson, preprocessingLines } from '../flags/data-report.ts'
import { namedNetwork } from '../flags/named-network.ts'
import { pictureWriter } from '../flags/picture.ts'
import { importOptions } from '../flags/preprocessing.ts'
import { ascendingShares } from '../flags/sparsities.ts'
import { checkPruneFlags } from '../prune/flags.ts'
import { estimatesOf, levelsOf } from '../prune/levels.ts'
import { PruneDisplay } from '../prune/progress.ts'
import { type RuntimeFlags, timingUnlessNone } from '../prune/runtime.ts'
import { type PruneFlags, pruneTask } from '../prune/settings.ts'
import { loadInputs } from '../prune/with-data.ts'
import { groupSensitivity } from './group-sensitivity.ts'
import { lossTable, timeTable } from './level-tables.ts'

export type SensitivityFlags = PruneFlags &
  RuntimeFlags & { data: string; levels: string; judges?: string; test?: boolean; proxy?: boolean; picture?: string }

export async function sensitivity(given: string, asked: SensitivityFlags, command: Command): Promise<void> {
  const flags = { ...asked, sparsity: '0', scope: 'global', onCollapse: 'warn' }
  checkPruneFlags(command, flags)
  const sparsities = ascendingShares(flags.levels, '--levels')
  if (flags.judges !== undefined && flags.test)
    throw new UserError('--judges is of training samples, which --test takes none of')
  if (flags.proxy && flags.test)
    throw new UserError('--proxy estimates from gradients of training samples, which --test takes none of')
  const channels = granularityOf(flags) === 'channel'
  const timing = channels ? undefined : await timingUnlessNone(flags)
  const path = weightsPath(given)
  const drawn = flags.picture === undefined ? undefined : await pictureWriter(flags.picture, [path])
  const stored = await readWeights(path, importOptions(flags), printNote)
  const { model, file } = namedNetwork(stored, path, flags.model)
  const task = pruneTask(flags, model)
  if (channels) return groupSensitivity(file, path, { task, sparsities, draw: drawn }, flags)
  const inputs = await loadInputs(file, path, model, flags, [task.method])
  const display = flags.json ? undefined : new PruneDisplay()
  try {
    if (display) for (const line of preprocessingLines(inputs, model)) print(line)
    const part = flags.test ? 'test' : 'train'
    const given = { file, path, task, inputs, sparsities, judges: flags.judges, part, display } as const
    const estimates = flags.proxy ? await estimatesOf(given) : undefined
    const { levels, trials } = estimates ?? (await levelsOf(given))
    const latency =
      timing &&
      (await measureLatency(levels, { ...timing, file, model: file.onnx ? undefined : model.name, source: path }))
    await drawn?.(sensitivityPicture(levels))
    const judged = flags.test ? inputs.data.test.count : trials.judges
    if (!display)
      return printJson({
        model: model.name,
        dataset: flags.data,
        method: task.name,
        samples: { part, count: judged },
        ...preprocessingJson(inputs),
        ...(estimates && { proxy: { scale: estimates.scale, ...proxyError(estimates), checks: estimates.checks } }),
        runtime: timing && { engine: timing.machine.description, batch: timing.batch, milliseconds: latency?.dense },
        tensors: levels.map((tensor) => ({
          name: tensor.name,
          size: tensor.size,
          levels: tensor.levels.map(({ mask: _, ...level }, i) => ({
            ...level,
            milliseconds: latency?.layers.get(tensor.name)?.[i],
          })),
        })),
      })
    display.stop()
    print(`\n${lossTable(levels, 'tensor', { weights: ({ size }) => grouped(size) })}\n`)
    if (latency) print(`${timeTable(levels, ({ name }) => latency.layers.get(name)!.map((time) => time.toFixed(3)))}\n`)
    const [{ levels: all }] = levels
    if (estimates) for (const line of proxyLines(estimates)) print(line)
    const judges = `${grouped(judged)} ${flags.test ? 'test' : 'training'} samples`
    const are = estimates ? 'losses are estimates of' : 'losses are'
    if (judgesByDistance(model, inputs.data))
      print(
        `${are} distances from the dense network on ${judges} where that tensor alone is pruned by ${task.name}; ${DISTANCES}`,
      )
    else
      print(
        `${are} what the loss of ${judges}, ${all[0].loss.toFixed(4)} as it is, grows by where that tensor alone is pruned by ${task.name}`,
      )
    if (timing && latency)
      print(
        `times are milliseconds of ${timing.batch === 1 ? 'one image' : `${timing.batch} images`} in that tensor's layer on ${timing.machine.description}; the whole network takes ${latency.dense.toPrecision(3)} ms`,
      )
    if (flags.picture !== undefined) print(`The picture is in ${flags.picture}`)
    const warning = guessWarning(inputs)
    if (warning) print(warning)
  } finally {
    display?.stop()
  }
}

/** What estimates are, and how far they were off where that was seen. */
function proxyLines(estimates: Estimates): string[] {
  const { scale, checks } = estimates
  const { factor, rankCorrelation } = proxyError(estimates)
  const text = (value: number) => Number(value.toPrecision(2)).toString()
  const facts = [
    factor
      ? `the estimates of these are ${text(factor.least)} to ${text(factor.most)} times what was measured`
      : 'no loss grew',
    ...(rankCorrelation === undefined ? [] : [`their rank correlation with it is ${rankCorrelation.toFixed(2)}`]),
  ]
  return [
    `estimated by half the sum of F d^2 times ${text(scale)}, d what pruning changes, F the mean square of gradients of single samples`,
    `that factor is the median of ${checks.length} levels that were really judged; ${facts.join(', ')}`,
  ]
}

/** Throws UserError where rows can be of no such kind. */
function granularityOf(flags: SensitivityFlags): 'weight' | 'channel' {
  const found = oneOf('--granularity', flags.granularity ?? 'weight', ['weight', 'channel'] as const)
  if (found === 'channel' && flags.proxy)
    throw new UserError('--proxy estimates single weights, expected none with --granularity channel')
  return found
}
