/** @file espalier sensitivity --granularity channel: a row for all layers that make the same channels. */
import { markdownTable } from 'markdown-table'
import { openMachine } from '../../engine/machines/open.ts'
import { Yardstick } from '../../figures/time.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { Picture } from '../../report/pictures/draw.ts'
import { sensitivityPicture } from '../../report/pictures/sensitivity.ts'
import { compacted, type DenseNetwork } from '../../target/compacted.ts'
import { type GroupLevels, measureGroups, tiedLayers } from '../../target/group-levels.ts'
import { Trials } from '../../target/trials.ts'
import { weightsOf } from '../../train/checkpoint.ts'
import type { Network } from '../../train/network.ts'
import { UserError } from '../../util/errors.ts'
import { grouped, percent } from '../../util/format.ts'
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
  const clock = flags.runtime === 'none' ? undefined : await clockOf({ file, model, source: path }, flags)
  const inputs = await loadInputs(file, path, model, flags, [task.method])
  const display = flags.json ? undefined : new PruneDisplay()
  try {
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
          time: clock?.time,
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
        runtime: clock?.runtime,
        groups: rows,
        stay: stays,
      })
    display.stop()
    print(`\n${groupTable(rows)}\n`)
    if (clock) print(`${timeTable(rows)}\n`)
    const [{ loss, accuracy }] = rows[0].levels
    const judges = `${grouped(count)} ${flags.test ? 'test' : 'training'} samples`
    const by = `where whole channels of these layers alone are pruned by ${task.name}`
    print(
      accuracy === undefined
        ? `losses are distances from the dense network on ${judges} ${by}; ${DISTANCES}`
        : `losses are what the loss of ${judges}, ${loss.toFixed(4)} as it is, grows by ${by}`,
    )
    if (clock)
      print(
        `times are milliseconds of ${samplesText(clock.runtime.batch)} in the whole network without those channels on ${clock.runtime.engine}`,
      )
    for (const { tensor, reason } of stays) print(`not pruned alone: ${tensor}, since ${reason}`)
    if (flags.prunable === 'published' && stays.some(({ reason }) => reason.endsWith('which is not pruned')))
      print('--prunable all takes all layers, also those that published results leave dense')
    if (flags.picture !== undefined) print(`The picture is in ${flags.picture}`)
    const warning = guessWarning(inputs)
    if (warning) print(warning)
  } finally {
    display?.stop()
    await clock?.close()
  }
}

const samplesText = (count: number): string => (count === 1 ? 'one sample' : `${count} samples`)

/** Times of networks without their zero channels, each in turns with the dense one. */
interface GroupClock {
  /** What times are of. */
  runtime: { engine: string; batch: number }
  time(network: Network): Promise<number>
  close(): Promise<void>
}

/** Throws UserError, naming the flag, where the runtime does not take the network. */
async function clockOf(dense: DenseNetwork, flags: RuntimeFlags): Promise<GroupClock> {
  const runtime = await unitRuntimeOf(flags)
  const running = await runtime.open(compacted(dense))
  const yardstick = new Yardstick(running.run, { seconds: SECONDS })
  return {
    runtime: { engine: runtime.description, batch: runtime.batch },
    async time(network) {
      const tensors = new Map([...dense.file.tensors, ...weightsOf(network).tensors])
      const one = await runtime.open(compacted({ ...dense, file: { ...dense.file, tensors } }))
      try {
        return (await yardstick.measure([one.run])).times[0]
      } finally {
        await one.close()
      }
    },
    close: () => running.close(),
  }
}

function timeTable(rows: readonly GroupLevels[]): string {
  const [{ levels: all }] = rows
  const body = rows.map(({ name, levels }) => [name, ...levels.map(({ milliseconds }) => milliseconds!.toPrecision(3))])
  const head = ['time', ...all.map(({ sparsity }) => (sparsity === 0 ? 'dense' : percent(sparsity).replace('.00', '')))]
  return markdownTable([head, ...body], { align: ['l', ...head.slice(1).map(() => 'r')] })
}

function groupTable(rows: readonly GroupLevels[]): string {
  const [{ levels: all }] = rows
  const head = [
    'tied layers',
    'channels',
    'weights',
    ...all.slice(1).map(({ sparsity }) => percent(sparsity).replace('.00', '')),
  ]
  const body = rows.map(({ name, channels, size, levels: [dense, ...rest] }) => [
    name,
    grouped(channels),
    grouped(size),
    ...rest.map(({ loss }) => signed(loss - dense.loss)),
  ])
  return markdownTable([head, ...body], { align: ['l', ...head.slice(1).map(() => 'r')] })
}

/** Such as `+0.0123`. */
export const signed = (loss: number): string => `${loss < 0 ? '-' : '+'}${Math.abs(loss).toFixed(4)}`
