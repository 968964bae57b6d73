/** @file The work of espalier sensitivity. */
import type { Command } from 'commander'
import { markdownTable } from 'markdown-table'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { sensitivityPicture } from '../../report/pictures/sensitivity.ts'
import { type Latency, measureLatency } from '../../target/latency.ts'
import type { TensorLevels } from '../../target/tensor-levels.ts'
import { UserError } from '../../util/errors.ts'
import { grouped, percent } from '../../util/format.ts'
import { DISTANCES } from '../display/measured.ts'
import { print, printJson, printNote } from '../display/output.ts'
import { oneOf } from '../flags/choices.ts'
import { guessWarning, preprocessingJson, preprocessingLines } from '../flags/data-report.ts'
import { flagName, givenFlags } from '../flags/given.ts'
import { namedNetwork } from '../flags/named-network.ts'
import { pictureWriter } from '../flags/picture.ts'
import { importOptions } from '../flags/preprocessing.ts'
import { ascendingShares } from '../flags/sparsities.ts'
import { checkPruneFlags } from '../prune/flags.ts'
import { levelsOf } from '../prune/levels.ts'
import { PruneDisplay } from '../prune/progress.ts'
import { type RuntimeFlags, timingUnlessNone } from '../prune/runtime.ts'
import { type PruneFlags, pruneTask } from '../prune/settings.ts'
import { loadInputs } from '../prune/with-data.ts'
import { groupSensitivity, signed } from './group-sensitivity.ts'

export type SensitivityFlags = PruneFlags &
  RuntimeFlags & { data: string; levels: string; judges?: string; test?: boolean; picture?: string }

export async function sensitivity(given: string, asked: SensitivityFlags, command: Command): Promise<void> {
  const flags = { ...asked, sparsity: '0', scope: 'global', onCollapse: 'warn' }
  checkPruneFlags(command, flags)
  const sparsities = ascendingShares(flags.levels, '--levels')
  if (flags.judges !== undefined && flags.test)
    throw new UserError('--judges is of training samples, which --test takes none of')
  const channels = granularityOf(flags, command) === 'channel'
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
    const { levels, trials } = await levelsOf({
      file,
      path,
      task,
      inputs,
      sparsities,
      judges: flags.judges,
      part,
      display,
    })
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
    print(`\n${lossTable(levels)}\n`)
    if (latency) print(`${timeTable(levels, latency)}\n`)
    const [{ levels: all }] = levels
    const judges = `${grouped(judged)} ${flags.test ? 'test' : 'training'} samples`
    if (all[0].accuracy === undefined)
      print(
        `losses are distances from the dense network on ${judges} where that tensor alone is pruned by ${task.name}; ${DISTANCES}`,
      )
    else
      print(
        `losses are what the loss of ${judges}, ${all[0].loss.toFixed(4)} as it is, grows by where that tensor alone is pruned by ${task.name}`,
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

function lossTable(levels: readonly TensorLevels[]): string {
  const [{ levels: all }] = levels
  const rows = levels.map(({ name, size, levels: [dense, ...rest] }) => [
    name,
    grouped(size),
    ...rest.map(({ loss }) => signed(loss - dense.loss)),
  ])
  const head = ['tensor', 'weights', ...all.slice(1).map(({ sparsity }) => percent(sparsity).replace('.00', ''))]
  return markdownTable([head, ...rows], { align: ['l', ...head.slice(1).map(() => 'r')] })
}

function timeTable(levels: readonly TensorLevels[], { layers }: Latency): string {
  const [{ levels: all }] = levels
  const rows = levels.map(({ name }) => [name, ...layers.get(name)!.map((time) => time.toFixed(3))])
  const head = ['time', ...all.map(({ sparsity }) => (sparsity === 0 ? 'dense' : percent(sparsity).replace('.00', '')))]
  return markdownTable([head, ...rows], { align: ['l', ...head.slice(1).map(() => 'r')] })
}

/** Throws UserError where rows can be of no such kind, or times are asked for that are not measured. */
function granularityOf(flags: SensitivityFlags, command: Command): 'weight' | 'channel' {
  const found = oneOf('--granularity', flags.granularity ?? 'weight', ['weight', 'channel'] as const)
  const timed = [...givenFlags(command)].find((flag) => ['runtime', 'threads', 'atOnce'].includes(flag))
  if (found === 'channel' && timed && flags.runtime !== 'none')
    throw new UserError(`${flagName(command, timed)} has no effect with --granularity channel, which measures no times`)
  return found
}
