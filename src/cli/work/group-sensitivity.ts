/** @file espalier sensitivity --granularity channel: a row for all layers that make the same channels. */
import { openMachine } from '../../engine/machines/open.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { Picture } from '../../report/pictures/draw.ts'
import { sensitivityPicture } from '../../report/pictures/sensitivity.ts'
import { compacted } from '../../target/compacted.ts'
import { CompactedTimes } from '../../target/compacted-times.ts'
import { type GroupLevels, measureGroups, tiedLayers } from '../../target/group-levels.ts'
import { Trials } from '../../target/trials.ts'
import { weightsOf } from '../../train/checkpoint.ts'
import { UserError } from '../../util/errors.ts'
import { grouped } from '../../util/format.ts'
import { withLastWordsUntil } from '../display/last-words.ts'
import { DISTANCES } from '../display/measured.ts'
import { print, printJson } from '../display/output.ts'
import { guessWarning, preprocessingJson, preprocessingLines } from '../flags/data-report.ts'
import { wholeNumber } from '../flags/parse.ts'
import { PruneDisplay } from '../prune/progress.ts'
import { type RuntimeFlags, unitRuntimeOf } from '../prune/runtime.ts'
import { settingFlag } from '../prune/setting-flags.ts'
import type { PruneFlags, PruneTask } from '../prune/settings.ts'
import { loadInputs } from '../prune/with-data.ts'
import { lossTable, timeTable } from './level-tables.ts'

export interface GroupFlags extends PruneFlags, RuntimeFlags {
  data: string
  judges?: string
  test?: boolean
}

/** Seconds that a network takes turns with the dense one for. */
const SECONDS = 0.2

/** Throws UserError where no layer's channels can be removed. */
export async function groupSensitivity(
  file: WeightsFile,
  path: string,
  {
    task,
    sparsities,
    draw,
  }: { task: PruneTask; sparsities: readonly number[]; draw?: (picture: Picture) => Promise<void> },
  flags: GroupFlags,
): Promise<void> {
  const { model, tensors, masks, seed } = task.request
  const { tied, stay } = tiedLayers(model, tensors)
  const stays = [...stay].map(([tensor, reason]) => ({ tensor, reason }))
  if (tied.length === 0)
    throw new UserError(
      `--granularity channel: no channels of ${model.name} can be removed: ${stays.map(({ tensor, reason }) => `${tensor}, ${reason}`).join('; ') || 'it has no layers with channels'}`,
    )
  const network = { file, model, source: path }
  const runtime = flags.runtime === 'none' ? undefined : await unitRuntimeOf(flags)
  const times = runtime && (await CompactedTimes.open(runtime, compacted(network), SECONDS))
  const display = flags.json ? undefined : new PruneDisplay()
  try {
    const inputs = await loadInputs(file, path, model, flags, [task.method])
    if (display) for (const line of preprocessingLines(inputs, model)) print(line)
    const part = flags.test ? 'test' : 'train'
    const trials = new Trials({
      machine: await openMachine(),
      model,
      data: inputs.data,
      weights: file,
      source: path,
      tensors,
      method: task.name,
      settings: task.settings,
      seed,
      judges: flags.judges === undefined ? undefined : wholeNumber('--judges', flags.judges, 1, 2 ** 32 - 1),
      part,
      masks,
      nameOf: settingFlag,
    })
    display?.show('levels', '', 0)
    const rows = await withLastWordsUntil(
      'nothing is kept before the end',
      () =>
        measureGroups(trials, tied, sparsities, {
          time:
            times &&
            ((pruned) => {
              const tensors = new Map([...file.tensors, ...weightsOf(pruned).tensors])
              return times.of(compacted({ ...network, file: { ...file, tensors } }))
            }),
          progress: (row, share) => display?.show('levels', row, share),
        }),
      (sentence) => display?.hint(sentence),
    )
    await draw?.(sensitivityPicture(rows))
    const count = flags.test ? inputs.data.test.count : trials.judges
    if (!display)
      return printJson({
        model: model.name,
        dataset: flags.data,
        method: task.name,
        granularity: 'channel',
        samples: { part, count },
        ...preprocessingJson(inputs),
        runtime: runtime && { engine: runtime.description, batch: runtime.batch },
        groups: rows,
        stay: stays,
      })
    display.stop()
    const facts = {
      channels: ({ channels }: GroupLevels) => grouped(channels),
      weights: ({ size }: GroupLevels) => grouped(size),
    }
    print(`\n${lossTable(rows, 'tied layers', facts)}\n`)
    if (runtime) print(`${timeTable(rows, ({ levels }) => levels.map((one) => one.milliseconds!.toPrecision(3)))}\n`)
    const [{ loss, accuracy }] = rows[0].levels
    const judges = `${grouped(count)} ${flags.test ? 'test' : 'training'} samples`
    const by = `where whole channels of these layers alone are pruned by ${task.name}`
    print(
      accuracy === undefined
        ? `losses are distances from the dense network on ${judges} ${by}; ${DISTANCES}`
        : `losses are what the loss of ${judges}, ${loss.toFixed(4)} as it is, grows by ${by}`,
    )
    if (runtime)
      print(
        `times are milliseconds of ${samplesText(runtime.batch)} in the whole network without those channels on ${runtime.description}`,
      )
    for (const { tensor, reason } of stays) print(`not pruned alone: ${tensor}, since ${reason}`)
    if (flags.prunable === 'published' && stays.some(({ reason }) => reason.endsWith('which is not pruned')))
      print('--prunable all takes all layers, also those that published results leave dense')
    if (flags.picture !== undefined) print(`The picture is in ${flags.picture}`)
    const warning = guessWarning(inputs)
    if (warning) print(warning)
  } finally {
    display?.stop()
    await times?.close()
  }
}

const samplesText = (count: number): string => (count === 1 ? 'one sample' : `${count} samples`)
