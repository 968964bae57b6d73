/** @file The work of espalier bench. */
import { markdownTable } from 'markdown-table'
import { costsUsed, readCosts } from '../../calibrate/cost-file.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { SparseModel } from '../../infer/sparse-model.ts'
import { kernelKinds } from '../../train/kernels.ts'
import { UserError } from '../../util/errors.ts'
import { percent } from '../../util/format.ts'
import { random } from '../../util/random.ts'
import { print, printJson, printNote } from '../display/output.ts'
import { importOptions, type PreprocessingFlags } from '../flags/preprocessing.ts'

export interface BenchOptions extends Pick<PreprocessingFlags, 'layout' | 'crop' | 'dim' | 'given'> {
  model?: string
  /** Other runtimes, in the place of kinds of kernels. */
  against?: string
  int8?: string
  threads?: number[]
  /** Batch sizes. */
  batch?: number[]
  rounds: number
  costs?: string
  json?: boolean
}

/** Batch sizes where none are asked for. */
const USUAL = [1, 64]

/** Of one kind of kernels at one batch size. */
interface Measured {
  batch: number
  kernels: (typeof kernelKinds)[number]
  /** Median and least milliseconds per batch. */
  median: number
  least: number
  /** Layers on sparse kernels. */
  sparse: string[]
}

export async function bench(given: string, options: BenchOptions): Promise<void> {
  const path = weightsPath(given)
  const { against, int8, threads, model, batch = USUAL, rounds, json } = options
  if (against !== undefined) return (await import('../bench/against.ts')).benchAgainst(path, { ...options, against })
  for (const [flag, value] of Object.entries({ '--int8': int8, '--threads': threads }))
    if (value !== undefined)
      throw new UserError(`${flag} is for --against, which says what the network is compared with`)
  const machine = await openMachine()
  const costs = options.costs === undefined ? undefined : readCosts(options.costs)
  const file = await readWeights(path, importOptions(options), printNote)
  const models = kernelKinds.map((kernels) => new SparseModel(file, { machine, kernels, costs, model, source: path }))
  const results = batch.flatMap((size) => measure(models, size, rounds))
  if (json)
    return printJson({
      model: models[0].model.name,
      sparsity: models[0].sparsity,
      engine: machine.description,
      costs: costsUsed(models[0].costs),
      results,
    })
  print(
    `${models[0].model.name}, ${percent(models[0].sparsity)} zeros among prunable weights; engine: ${machine.description}; table of costs: ${models[0].costs.name}\n`,
  )
  print(table(results))
  for (const size of batch) print(`\n${verdict(results, size)}`)
}

/** Kinds of kernels take turns, so that a machine whose speed drifts is fair to all. */
function measure(models: readonly SparseModel[], batch: number, rounds: number): Measured[] {
  const rng = random(0, 'bench')
  const images = Float32Array.from({ length: batch * sizeOf(models[0].model.image) }, () => rng.normal())
  const repeat = models.map((model) => {
    model.run(images)
    const start = performance.now()
    model.run(images)
    return Math.max(1, Math.ceil(20 / (performance.now() - start)))
  })
  const times = models.map(() => [] as number[])
  for (let round = 0; round < rounds; round++)
    for (const [i, model] of models.entries()) {
      const start = performance.now()
      for (let k = 0; k < repeat[i]; k++) model.run(images)
      times[i].push((performance.now() - start) / repeat[i])
    }
  return models.map((model, i) => {
    const sorted = times[i].sort((a, b) => a - b)
    const sparse = model.layers(batch).flatMap((layer) => (layer.sparse ? [layer.name] : []))
    return { batch, kernels: kernelKinds[i], median: sorted[rounds >> 1], least: sorted[0], sparse }
  })
}

function table(results: readonly Measured[]): string {
  const rows = results.map(({ batch, kernels, median, least, sparse }) => {
    const dense = results.find((other) => other.batch === batch && other.kernels === 'dense')!
    const digits = (ms: number) => ms.toFixed(ms < 10 ? 3 : 1)
    return [batch, kernels, digits(median), digits(least), `${(dense.median / median).toFixed(2)}x`, sparse.length].map(
      String,
    )
  })
  const head = ['batch', 'kernels', 'ms (median)', 'ms (least)', 'over dense', 'sparse layers']
  return markdownTable([head, ...rows], { align: ['r', 'l', 'r', 'r', 'r', 'r'] })
}

/** What skipping zeros gains, said plainly. */
function verdict(results: readonly Measured[], batch: number): string {
  const of = (kind: string) => results.find((one) => one.batch === batch && one.kernels === kind)!
  const gain = of('dense').median / of('auto').median
  if (gain >= 1.05) return `Batch ${batch}: ${gain.toFixed(2)} times as fast as on dense kernels.`
  return `Batch ${batch}: the zeros gain no time (${gain.toFixed(2)} times the speed of dense kernels).`
}
