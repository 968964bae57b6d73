/**
 * @file A network before and after it was pruned: what it takes here and in ONNX Runtime, its multiply-adds,
 * its memory, its file and its zeros. Times are measured in turns (time.ts).
 */
import { createReadStream, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Machine } from '../engine/machine.ts'
import { brotliStream } from '../formats/brotli.ts'
import { onnxOf } from '../formats/network-file.ts'
import { besideOf } from '../formats/onnx/beside.ts'
import { countZeros } from '../formats/onnx/zeros.ts'
import type { WeightsFile } from '../formats/weights-file.ts'
import { SparseModel } from '../infer/sparse-model.ts'
import type { Model } from '../models/model.ts'
import { prunableTensors } from '../sparsity/tensors.ts'
import { UserError } from '../util/errors.ts'
import { isInstalled } from '../util/optional.ts'
import { weightFigures } from './figures.ts'
import { openInRuntime, type RuntimeRuns, type RuntimeSource } from './runtime.ts'
import { runOf, Yardstick } from './time.ts'

/** A network in a file. */
export interface NetworkInFile {
  path: string
  file: WeightsFile
  /** Absent: it does not run here. */
  model?: Model
}

/** What a network comes to. What needs a run is absent where there is none. */
export interface NetworkFigures {
  /** Of a batch on this engine: the least. */
  milliseconds?: number
  /** Of a batch in ONNX Runtime: the least. */
  onnxruntime?: number
  /** Of one sample, with the zeros left out. */
  multiplyAdds?: number
  /** Bytes of the compiled program here: weights, places of nonzeros, and maps between layers. */
  memory?: number
  /** Of the file, with the files of values beside it, as it is and compressed with brotli. */
  bytes: number
  brotli: number
  /** The share of zeros among the weights of all layers. */
  sparsity?: number
}

export interface BeforeAndAfter {
  before: NetworkFigures
  after: NetworkFigures
  /** Samples of a batch in ONNX Runtime, and its version, where it was measured. */
  runtime?: { batch: number; version: string }
  /** Milliseconds of the network after with one thread, where the machine has more. */
  oneThread?: number
  /** Why rows are absent, a sentence each. */
  notes: string[]
}

export interface FiguresOptions {
  machine: Machine
  /** The same with one thread, where it has more: whether that is faster is measured, too. */
  single?: Machine
  /** Samples at a time. Default 1. */
  batch?: number
  /** Turns of the network before on that machine, where there were some already. */
  yardstick?: Yardstick
  /** Seconds that each engine is measured for. Default 0.7 at most, but three rounds in any case. */
  seconds?: number
  onProgress?(what: string, share: number): void
}

/** Shares of the work, as progress counts it. */
const SHARES = { here: 0.4, runtime: 0.8 }

export async function beforeAndAfter(
  networks: readonly [before: NetworkInFile, after: NetworkInFile],
  options: FiguresOptions,
): Promise<BeforeAndAfter> {
  const { onProgress = () => {} } = options
  const notes: string[] = []
  const here = await orNote(notes, () => runsHere(networks, options))
  const there = await orNote(notes, () => runsThere(networks, options))
  const paths = networks.map(pathsOf)
  const total = sizeOfFiles(paths.flat())
  let read = 0
  const both: NetworkFigures[] = []
  for (const [i, { file, model }] of networks.entries()) {
    const brotli = await brotliSize(paths[i], (bytes) => {
      read += bytes
      onProgress('compressing files', SHARES.runtime + (1 - SHARES.runtime) * (read / total))
    })
    both.push({
      ...here?.figures[i],
      ...(there && { onnxruntime: there.times[i] }),
      ...ofWeights(file, model),
      bytes: sizeOfFiles(paths[i]),
      brotli,
    })
  }
  const { oneThread } = here ?? {}
  return {
    before: both[0],
    after: both[1],
    ...(there && { runtime: { batch: there.batch, version: there.version } }),
    ...(oneThread !== undefined && { oneThread }),
    notes,
  }
}

/** Undefined, with a note, where a UserError says why there is nothing. */
async function orNote<T>(notes: string[], work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    notes.push(error.message)
    return undefined
  }
}

async function runsHere(networks: readonly NetworkInFile[], options: FiguresOptions) {
  const { machine, single, batch = 1, seconds = 0.7, onProgress = () => {} } = options
  const compiled = networks.map((network) => openHere(network, machine))
  const [dense, ...others] = [...compiled, ...(single ? [openHere(networks[1], single)] : [])]
  const yardstick = options.yardstick ?? new Yardstick(runOf(dense, batch), { seconds })
  const { times } = await yardstick.measure(
    others.map((model) => runOf(model, batch)),
    (share) => onProgress('measuring times', SHARES.here * share),
  )
  const [after, oneThread] = times
  const figures = [yardstick.dense, after].map((milliseconds, i) => {
    return { milliseconds, memory: compiled[i].memory(batch) }
  })
  return { figures, oneThread: oneThread as number | undefined }
}

/** Throws UserError where the network does not run here. */
function openHere({ path, file, model }: NetworkInFile, machine: Machine): SparseModel {
  if (file.onnx?.network instanceof UserError) throw file.onnx.network
  return new SparseModel(file, { machine, model: file.onnx ? undefined : model?.name, source: path })
}

/** Undefined where ONNX Runtime is not installed. */
async function runsThere(networks: readonly NetworkInFile[], options: FiguresOptions) {
  if (!isInstalled('onnxruntime-node')) return undefined
  const { machine, seconds = 0.7, onProgress = () => {} } = options
  const opened: RuntimeRuns[] = []
  try {
    for (const network of networks)
      opened.push(await openInRuntime(sourceOf(network), machine.threads, 'a time in ONNX Runtime'))
    const [before, after] = opened
    const yardstick = new Yardstick(before.run, { seconds })
    const { times } = await yardstick.measure([after.run], (share) =>
      onProgress('measuring times in ONNX Runtime', SHARES.here + (SHARES.runtime - SHARES.here) * share),
    )
    return { times: [yardstick.dense, ...times], batch: before.batch, version: before.version }
  } finally {
    for (const one of opened) await one.close()
  }
}

/** The file itself where it is an ONNX model; else one that is made of the network and not written. */
function sourceOf({ path, file, model }: NetworkInFile): RuntimeSource {
  const { onnx } = file
  if (onnx?.file.path === path) return { file: onnx.file, reading: onnx.reading, model: path }
  const made = onnxOf(path, { weights: file, model, onnx })
  return { ...made, reading: onnx?.reading ?? {} }
}

function ofWeights(file: WeightsFile, model?: Model): Pick<NetworkFigures, 'multiplyAdds' | 'sparsity'> {
  if (model && prunableTensors(model).every(({ name }) => file.tensors.has(name))) {
    const { multiplyAdds, nonzeros, weights } = weightFigures(model, file)
    return { multiplyAdds: multiplyAdds.kept, ...(weights > 0 && { sparsity: 1 - nonzeros / weights }) }
  }
  if (!file.onnx) return {}
  const { weights } = countZeros(file.onnx.file)
  const sum = (of: 'size' | 'zeros') => weights.reduce((all, one) => all + one[of], 0)
  return weights.length > 0 ? { sparsity: sum('zeros') / sum('size') } : {}
}

/** The file, and those beside it that hold its values. */
const pathsOf = ({ path, file: { onnx } }: NetworkInFile): string[] => [
  path,
  ...(onnx?.file.path === path ? besideOf(onnx.file).map((name) => join(dirname(path), name)) : []),
]

const sizeOfFiles = (paths: readonly string[]): number => paths.reduce((sum, one) => sum + statSync(one).size, 0)

/** Bytes of some files, compressed. */
async function brotliSize(paths: readonly string[], onRead: (bytes: number) => void): Promise<number> {
  let size = 0
  for (const one of paths)
    await pipeline(
      createReadStream(one, { highWaterMark: 2 ** 20 }),
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          onRead(chunk.length)
          yield chunk
        }
      },
      brotliStream(statSync(one).size),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const { length } of chunks) size += length
      },
    )
  return size
}
