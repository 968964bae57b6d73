/** @file The work of `espalier bench --against`: a network beside other runtimes. */

import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { readCosts } from '../../calibrate/cost-file.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { bytes, percent } from '../../util/format.ts'
import { optional } from '../../util/optional.ts'
import { inTemporaryFolder } from '../../util/temporary-folder.ts'
import { print, printJson, printNote } from '../display/output.ts'
import { WaitDisplay } from '../display/wait.ts'
import { oneOf } from '../flags/choices.ts'
import { importOptions, type PreprocessingFlags } from '../flags/preprocessing.ts'
import { closed } from './closing.ts'
import { type ContenderSpec, packageOf, type Rival, rivals } from './contender.ts'
import { batchesOf, type GivenOnnx, networkOf, quantizedOf } from './files.ts'
import { type Measured, measure } from './measure.ts'
import type { Entrant, Setting } from './setting.ts'
import { againstTables, legend, warnings } from './table.ts'

export interface AgainstOptions extends Pick<PreprocessingFlags, 'layout' | 'crop' | 'dim' | 'given'> {
  against: string
  /** A quantized file of the same network. */
  costs?: string
  int8?: string
  model?: string
  batch?: readonly number[]
  threads?: readonly number[]
  rounds: number
  json?: boolean
}

/** Batch sizes where none are asked for. */
const USUAL = [1, 16]

/** Compares the network of the file `path` with itself in other runtimes. */
export async function benchAgainst(path: string, options: AgainstOptions): Promise<void> {
  const against = [...new Set(options.against.split(',').map((name) => oneOf('--against', name.trim(), rivals)))]
  for (const rival of against) await load(rival)
  await inTemporaryFolder('espalier-bench-', (folder) => compare(path, against, folder, options))
}

async function compare(path: string, against: readonly Rival[], folder: string, options: AgainstOptions) {
  const display = new WaitDisplay()
  try {
    if (options.costs !== undefined) readCosts(options.costs) // before anything is measured
    const stored = await readWeights(path, importOptions(options), printNote)
    const { model, onnx } = await networkOf(stored, path, options.model, folder)
    const quantized = options.int8 === undefined ? undefined : quantizedOf(options.int8, onnx, importOptions(options))
    const files = quantized ? [onnx, quantized] : [onnx]
    const { sizes, note } = batchesOf(options.batch, files, USUAL)
    if (note) printNote(note)
    const own = {
      runtime: 'espalier',
      path,
      called: path,
      model: options.model,
      costs: options.costs,
      reading: importOptions(options),
    } as const
    const settings = settingsOf(against, sizes, options.threads ?? usualThreads(), { own, onnx, quantized })
    const results = await measure(settings, {
      rounds: options.rounds,
      asStored: (logits) => closed(logits, model, options.model === undefined ? stored.onnx?.file : undefined),
      onProgress: ({ batch, threads }, secondsLeft) =>
        display.show(`measuring batch ${batch}, threads ${threads}`, { secondsLeft }),
    })
    display.stop()
    const bytesOf = new Map([
      [path, statSync(path).size],
      ...files.map(({ called, bytes }) => [called, bytes] as const),
    ])
    report({ model: model.name, files: bytesOf, rounds: options.rounds, results }, options.json)
  } finally {
    display.stop()
  }
}

interface Report {
  model: string
  /** Bytes by the names of files. */
  files: ReadonlyMap<string, number>
  rounds: number
  results: readonly Measured[]
}

function report({ model, files, rounds, results }: Report, json = false): void {
  const [{ sparsity = Number.NaN }] = results
  if (json) {
    printJson({ model, sparsity, files: Object.fromEntries(files), rounds, results })
    return
  }
  const zeros = Number.isNaN(sparsity) ? 'no' : `${percent(sparsity)} zeros among`
  const engines = new Set(results.map(({ description }) => description))
  print(`${model}, ${zeros} prunable weights`)
  for (const [name, size] of files) print(`${name}: ${bytes(size)}`)
  for (const line of engines) print(line)
  print(`\n${againstTables(results)}\n\n${legend(results, rounds)}`)
  for (const warning of warnings(results)) print(warning)
}

/** Throws UserError where the package of a rival is not there, before anything is measured. */
const load = (rival: Rival): Promise<unknown> =>
  optional([packageOf[rival]], `--against ${rival}`, () =>
    rival === 'onnxruntime' ? import('onnxruntime-node') : import('onnxruntime-web'),
  )

/** One thread, and as many as the environment or else the machine says. */
function usualThreads(): number[] {
  const all = Number(process.env.ESPALIER_THREADS) || Math.min(availableParallelism(), 16)
  return [...new Set([1, all])]
}

interface Given {
  own: Omit<Extract<ContenderSpec, { runtime: 'espalier' }>, 'batch' | 'threads' | 'engine'>
  onnx: GivenOnnx
  quantized?: GivenOnnx
}

/** WebAssembly has one thread. */
function settingsOf(
  against: readonly Rival[],
  batches: readonly number[],
  threads: readonly number[],
  { own, onnx, quantized }: Given,
): Setting[] {
  return batches.flatMap((batch) =>
    against.flatMap((rival) => {
      const web = rival === 'onnxruntime-web'
      return (web ? [1] : threads).map((count): Setting => {
        const of = { batch, threads: count }
        const entrant = (name: string, { path, called, beside, input }: GivenOnnx, int8: boolean): Entrant => ({
          name,
          spec: { ...of, runtime: rival, path, called, beside, input },
          int8,
        })
        const ours: Entrant = {
          name: web ? 'espalier wasm' : 'espalier',
          spec: { ...own, ...of, ...(web && { engine: 'wasm' as const }) },
          int8: false,
        }
        const theirs = [entrant(rival, onnx, false)]
        if (quantized) theirs.push(entrant(`${rival} int8`, quantized, true))
        return { ...of, against: rival, entrants: [ours, ...theirs] }
      })
    }),
  )
}
