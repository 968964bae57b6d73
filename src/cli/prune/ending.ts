/**
 * @file The end of every espalier prune that writes a file: a table of the network before and after.
 */
import { markdownTable } from 'markdown-table'
import { openMachine } from '../../engine/machines/open.ts'
import {
  type BeforeAndAfter,
  beforeAndAfter,
  type NetworkFigures,
  type NetworkInFile,
} from '../../figures/before-after.ts'
import type { Yardstick } from '../../figures/time.ts'
import { isOnnxName } from '../../formats/onnx/file.ts'
import type { TensorFile } from '../../formats/safetensors.ts'
import { readStored, readWeights, type WeightsFile } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { modelOfFile } from '../../train/model-of-file.ts'
import { bytes, grouped, percent } from '../../util/format.ts'
import { isDistance, type Measured } from '../display/measured.ts'
import { WaitDisplay } from '../display/wait.ts'
import { importOptions, type PreprocessingFlags } from '../flags/preprocessing.ts'
import type { Timing } from './runtime.ts'

export interface Ending {
  /** The network that was read. */
  path: string
  file: WeightsFile
  /** Absent: it does not run here. */
  model?: Model
  /** Where the pruned one was written, and its weights, where they are at hand. */
  out: string
  weights?: TensorFile
  flags: PreprocessingFlags
  /** On the test set, where there were data. */
  dense?: Measured
  final?: Measured
  /** What times are of. Default: one sample on the usual engine. */
  timing?: Timing & { yardstick?: Yardstick }
}

/** What is said of it, as lines and for machines. */
export interface Ended {
  lines: string[]
  json: { before: object; after: object; figureNotes?: string[] }
  /** What was measured. */
  figures: BeforeAndAfter
}

/** Measures both networks, with progress where that takes long. */
export async function endingOf(ending: Ending, targets: TargetCells = {}): Promise<Ended> {
  const { path, file, model, dense, final, timing } = ending
  const { machine, batch, yardstick } = timing ?? { machine: await openMachine(), batch: 1, yardstick: undefined }
  const single = machine.engine === 'native' && machine.threads > 1 && !timing ? { threads: 1 } : undefined
  const display = new WaitDisplay()
  try {
    const figures = await beforeAndAfter([{ path, file, model }, await written(ending)], {
      machine,
      batch,
      yardstick,
      ...(single && { single: await openMachine(single) }),
      onProgress: (what, share) => display.show(what, { share }),
    })
    display.stop()
    const notes = [...figures.notes.map((note) => `not measured: ${note}`), ...threadsHint(figures, machine.threads)]
    const facts = factsLine(figures, machine.description, batch)
    return {
      figures,
      lines: [tableOf(figures, { dense, final, targets }), '', ...facts, ...notes.map((note) => `note: ${note}`)],
      json: {
        before: { ...judged(dense), ...figures.before },
        after: { ...judged(final), ...figures.after },
        ...(notes.length > 0 && { figureNotes: notes }),
      },
    }
  } finally {
    display.stop()
  }
}

/** The file that was written, as a network of its own where it holds one. */
async function written({ file, model, out, weights, flags }: Ending): Promise<NetworkInFile> {
  if (!isOnnxName(out)) {
    const { tensors } = weights ?? { tensors: await readStored(out) }
    return { path: out, file: { ...file, ...weights, tensors }, model }
  }
  const found = await readWeights(out, importOptions(flags), () => {})
  return { path: out, file: found, ...(model && { model: modelOfFile(found, out) }) }
}

const judged = (one: Measured | undefined): object => {
  if (!one) return {}
  return isDistance(one) ? { distance: one.loss } : { accuracy: one.accuracy }
}

/** Cells of a column of targets, by the figure. */
export type TargetCells = Partial<Record<keyof NetworkFigures, string>>

function tableOf(
  { before, after, runtime }: BeforeAndAfter,
  { dense, final, targets }: Pick<Ending, 'dense' | 'final'> & { targets: TargetCells },
): string {
  const row = (label: string, key: keyof NetworkFigures, text: (value: number) => string): string[][] => {
    const cells = [before[key], after[key]]
    if (cells.every((cell) => cell === undefined)) return []
    return [[label, ...cells.map((cell) => (cell === undefined ? '' : text(cell))), targets[key] ?? '']]
  }
  const rows = [
    ...judgedRow(dense, final),
    ...row('time here', 'milliseconds', ms),
    ...row(`time in onnxruntime-node ${runtime?.version}`, 'onnxruntime', ms),
    ...row('multiply-adds', 'multiplyAdds', grouped),
    ...row('memory here', 'memory', bytes),
    ...row('file', 'bytes', bytes),
    ...row('file with brotli', 'brotli', bytes),
    ...row('zeros among the weights of layers', 'sparsity', percent),
  ]
  const columns = Object.keys(targets).length > 0 ? 4 : 3
  const head = ['', 'before', 'after', 'target']
  return markdownTable(
    [head, ...rows].map((cells) => cells.slice(0, columns)),
    { align: ['l', 'r', 'r', 'r'] },
  )
}

function judgedRow(dense: Measured | undefined, final: Measured | undefined): string[][] {
  if (!dense || !final) return []
  if (isDistance(dense)) return [['distance from the network before', dense.loss.toFixed(4), final.loss.toFixed(4), '']]
  if (isDistance(final)) return []
  return [['test accuracy', percent(dense.accuracy), percent(final.accuracy), '']]
}

export const ms = (milliseconds: number): string => `${milliseconds.toPrecision(3)} ms`

/** Of what times and memory are. */
function factsLine({ before, runtime }: BeforeAndAfter, engine: string, batch: number): string[] {
  const samples = (count: number) => (count === 1 ? 'one sample' : `${count} samples`)
  const facts = [
    ...(before.milliseconds === undefined
      ? []
      : [`here: ${samples(batch)} at a time on ${engine}; memory is that of the compiled program, weights included`]),
    ...(runtime && (runtime.batch !== batch || before.milliseconds === undefined)
      ? [`onnxruntime-node: ${samples(runtime.batch)} at a time`]
      : []),
  ]
  return facts.length > 0 ? [facts.join('; ')] : []
}

/** Threads are worth a word where one is faster by more than chance. */
const FASTER = 0.9

function threadsHint({ after, oneThread }: BeforeAndAfter, threads: number): string[] {
  if (oneThread === undefined || after.milliseconds === undefined || oneThread > FASTER * after.milliseconds) return []
  return [
    `one thread is faster for this network now than the usual ${threads}: ${ms(oneThread)} in the place of ${ms(after.milliseconds)} (ESPALIER_THREADS=1)`,
  ]
}
