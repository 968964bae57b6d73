/**
 * @file The work of espalier compare: weights, zeros, multiply-adds, sizes, time and, with data, accuracy of
 * several networks, in one table.
 */
import { statSync } from 'node:fs'
import { markdownTable } from 'markdown-table'
import { openMachine } from '../../engine/machines/open.ts'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { storedSize, weightFigures } from '../../figures/figures.ts'
import { brotliBytes } from '../../formats/brotli.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { type ComparedFigure, comparisonPicture } from '../../report/pictures/comparison.ts'
import { loadWeights } from '../../train/checkpoint.ts'
import { Network } from '../../train/network.ts'
import { statedPreprocessing } from '../../train/preprocessing.ts'
import { UserError } from '../../util/errors.ts'
import { readBytes } from '../../util/files.ts'
import { bytes, grouped, percent } from '../../util/format.ts'
import { DataDisplay } from '../display/data-progress.ts'
import { DISTANCES, isDistance, type Measured, measured } from '../display/measured.ts'
import { print, printJson, printNote } from '../display/output.ts'
import { fitting } from '../display/width.ts'
import { loadEvaluationData } from '../flags/data.ts'
import { namedNetwork } from '../flags/named-network.ts'
import { pictureWriter } from '../flags/picture.ts'
import { importOptions, type PreprocessingFlags } from '../flags/preprocessing.ts'
import { recurrenceHere } from '../flags/recurrence.ts'
import type { RuntimeFlags } from '../prune/runtime.ts'
import {
  type Candidate,
  type Differences,
  differenceLines,
  differences,
  type Overlaps,
  overlaps,
} from './compare-structure.ts'
import { runtimesOf, timesOn } from './compare-times.ts'

export interface CompareFlags extends PreprocessingFlags, RuntimeFlags {
  model?: string
  data?: string
  picture?: string
  json?: boolean
}

/** What is said of one. */
interface Compared {
  file: string
  model: string
  /** Weights of layers, and those that are not zero. */
  weights: number
  nonzeros: number
  /** Multiply-adds of one sample with the nonzeros. */
  multiplyAdds: number
  /** Of the file as it is, compressed with brotli, and of its values as safetensors, stored sparse. */
  bytes: number
  brotli: number
  sparse: number
  /** On the first runtime, and on each of several. */
  milliseconds?: number
  times?: Record<string, number>
  /** Jaccard index of the nonzeros and those of the first, over layers that both have in the same shape. */
  overlap?: number
  overlaps?: Overlaps['tensors']
  /** From the first. */
  differences?: Differences
  measured?: Measured
}

export async function compare(files: readonly string[], flags: CompareFlags): Promise<void> {
  if (files.length < 2) throw new UserError('compare needs two files or more, found one')
  const runtimes = await runtimesOf(flags)
  const names = runtimes.map(({ name }) => name)
  const candidates: Candidate[] = []
  for (const given of files) {
    const path = weightsPath(given)
    const { model, file } = namedNetwork(await readWeights(path, importOptions(flags), printNote), path, flags.model)
    candidates.push({ path, model, file })
  }
  const paths = candidates.map(({ path }) => path)
  const draw = flags.picture === undefined ? undefined : await pictureWriter(flags.picture, paths)
  const times = await timesOn(runtimes, candidates)
  const results = candidates.map((candidate, i) => ({ ...factsOf(candidate, candidates[0]), ...timed(times[i]) }))
  if (flags.data !== undefined) await judge(candidates, results, { ...flags, data: flags.data })
  await draw?.(comparisonPicture(results.map((one) => ({ name: one.file, figures: figuresOf(one, names) }))))
  if (flags.json)
    return printJson({
      engine: runtimes.at(0)?.engine,
      ...(runtimes.length > 1 && { engines: runtimes.map(({ engine }) => engine) }),
      dataset: flags.data,
      networks: results.map(({ measured: one, ...facts }) => ({ ...facts, ...one })),
    })
  const { text, narrow } = table(results, names)
  print(fitting(text, narrow))
  if (runtimes.length > 0) print('')
  for (const { name, batch, engine } of runtimes)
    print(`${msLabel(name, runtimes.length)}: ${batch === 1 ? 'one image' : `${batch} images`} on ${engine}`)
  if (flags.picture !== undefined) print(`The picture is in ${flags.picture}`)
  for (const { file, differences: found } of results)
    for (const line of found ? differenceLines(found) : []) print(`${file}: ${line}`)
  if (results.some(({ measured: one }) => one && isDistance(one))) print(`${DISTANCES}; the first is the dense one`)
}

function factsOf(candidate: Candidate, first: Candidate): Compared {
  const { path, model, file } = candidate
  const { weights, nonzeros, multiplyAdds } = weightFigures(model, file)
  return {
    file: path,
    model: model.name,
    weights,
    nonzeros,
    multiplyAdds: multiplyAdds.kept,
    bytes: statSync(path).size,
    brotli: brotliBytes(readBytes(path)),
    sparse: storedSize(file, 'sparse'),
    ...(candidate !== first && differing(first, candidate)),
  }
}

/** Of one runtime the time alone; of several each by its name, too. */
function timed(times: Record<string, number>): Pick<Compared, 'milliseconds' | 'times'> {
  const [milliseconds, ...others] = Object.values(times)
  if (milliseconds === undefined) return {}
  return { milliseconds, ...(others.length > 0 && { times }) }
}

/** What the picture shows of one. */
function figuresOf(one: Compared, runtimes: readonly string[]): ComparedFigure[] {
  const { measured: found } = one
  return [
    ...(found === undefined
      ? []
      : isDistance(found)
        ? [{ label: 'distance from the first', value: found.loss }]
        : [{ label: 'test accuracy, %', value: 100 * found.accuracy }]),
    ...runtimes.map((name) => ({ label: msLabel(name, runtimes.length), value: timeOf(one, name) })),
    { label: 'multiply-adds, millions', value: one.multiplyAdds / 1e6 },
    { label: 'file, kB', value: one.bytes / 1000 },
    { label: 'file with brotli, kB', value: one.brotli / 1000 },
    { label: 'stored sparse, kB', value: one.sparse / 1000 },
    { label: 'zeros, %', value: 100 * (1 - one.nonzeros / one.weights) },
  ]
}

const timeOf = ({ times, milliseconds }: Compared, name: string): number => (times?.[name] ?? milliseconds)!

function differing(first: Candidate, one: Candidate): Pick<Compared, 'overlap' | 'overlaps' | 'differences'> {
  const found = overlaps(first, one)
  return {
    ...(found && { overlap: found.all, overlaps: found.tensors }),
    differences: differences(first, one),
  }
}

/** Adds what the networks do on the test set. Throws UserError where one has no results to compare. */
async function judge(candidates: readonly Candidate[], results: Compared[], flags: CompareFlags & { data: string }) {
  const machine = await openMachine()
  let first: Network | undefined
  const recurrence = recurrenceHere(candidates[0].file)
  for (const [i, { path, model, file }] of candidates.entries()) {
    const stated = statedPreprocessing(file.metadata, path, model.image[0])
    const loading = new DataDisplay()
    const { data } = await loadEvaluationData(flags.data, model, stated, flags, {
      onProgress: loading.show,
      recurrence,
    }).finally(() => loading.stop())
    const network = new Network({ machine, model, data })
    loadWeights(network, file, path)
    if (network.judgedByDistance) {
      if (first && (first.model.classes !== model.classes || String(first.model.image) !== String(model.image)))
        throw new UserError(`${path} computes other results than ${candidates[0].path}, and has no distance from it`)
      if (first) network.rememberFrom(first.remembered())
      else network.remember()
    }
    first ??= network
    results[i].measured = measured(network)
  }
}

function table(results: readonly Compared[], runtimes: readonly string[]): { text: string; narrow: string[] } {
  const [{ measured: first }] = results
  const judged = first === undefined ? [] : [isDistance(first) ? 'distance' : 'test accuracy', 'loss']
  const hasOverlap = results.some(({ overlap }) => overlap !== undefined)
  const head = [
    'network',
    'weights',
    'zeros',
    'multiply-adds',
    'file',
    'with brotli',
    'stored sparse',
    ...runtimes.map((name) => msLabel(name, runtimes.length)),
    ...(hasOverlap ? ['same weights as the first'] : []),
    ...(judged[0] === 'distance' ? ['distance'] : judged),
  ]
  const rows = results.map((one) => [
    one.file,
    grouped(one.weights),
    one.weights > 0 ? percent(1 - one.nonzeros / one.weights) : '',
    grouped(one.multiplyAdds),
    bytes(one.bytes),
    bytes(one.brotli),
    bytes(one.sparse),
    ...runtimes.map((name) => timeOf(one, name).toPrecision(3)),
    ...(hasOverlap ? [one.overlap === undefined ? '' : percent(one.overlap)] : []),
    ...judgedCells(one.measured),
  ])
  return {
    text: markdownTable([head, ...rows], { align: ['l', ...head.slice(1).map(() => 'r')] }),
    narrow: ['stored sparse', 'same weights as the first', 'weights', 'multiply-adds', 'loss', 'with brotli'],
  }
}

function judgedCells(one: Measured | undefined): string[] {
  if (!one) return []
  if (isDistance(one)) return [one.loss.toFixed(4)]
  return [percent(one.accuracy), one.loss.toFixed(4)]
}

/** `ms`, or of several runtimes `ms (wasm)`. */
const msLabel = (name: string, of: number): string => (of === 1 ? 'ms' : `ms (${name})`)
