/** @file espalier bench: how fast a pruned network infers, on dense kernels and on those that skip zeros. */
import { Command } from 'commander'
import { markdownTable } from 'markdown-table'
import { openMachine } from '../../engine/machines/open.ts'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { SparseModel } from '../../infer/sparse-model.ts'
import { kernelKinds } from '../../train/kernels.ts'
import { UserError } from '../../util/errors.ts'
import { percent } from '../../util/format.ts'
import { random } from '../../util/random.ts'
import { print, printJson } from '../display/output.ts'

interface Options {
  model?: string
  batch: string
  rounds: string
  json?: boolean
}

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

export const benchCommand = new Command('bench')
  .description('how fast a network infers with its zeros skipped, beside dense kernels')
  .argument(
    '<file>',
    'an ONNX model, weights of a built-in network (a safetensors or HDF5 file, or a PyTorch checkpoint), or the folder of a run',
  )
  .option('--model <name>', 'a built-in network (default: the one that the file names)')
  .option('--batch <list>', 'batch sizes', '1,64')
  .option('--rounds <n>', 'turns that the kinds of kernels take', '15')
  .option('--json', 'print one JSON object')
  .action(async (given: string, { model, batch, rounds, json }: Options) => {
    const path = weightsPath(given)
    const batches = batch.split(',').map((text) => whole(text, '--batch'))
    const turns = whole(rounds, '--rounds')
    const machine = await openMachine()
    const file = await readWeights(path)
    const models = kernelKinds.map((kernels) => new SparseModel(file, { machine, kernels, model, source: path }))
    const results = batches.flatMap((size) => measure(models, size, turns))
    if (json)
      return printJson({
        model: models[0].model.name,
        sparsity: models[0].sparsity,
        engine: machine.description,
        results,
      })
    print(
      `${models[0].model.name}, ${percent(models[0].sparsity)} zeros among prunable weights; engine: ${machine.description}\n`,
    )
    print(table(results))
    for (const size of batches) print(`\n${verdict(results, size)}`)
  })

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

function whole(text: string, option: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 65536)
    throw new UserError(`${option}: expected whole numbers from 1 to 65536, found ${text}`)
  return value
}
