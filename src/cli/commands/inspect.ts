/** @file espalier inspect: what a file of tensors holds; with --program see inspect-program.ts. */
import { Command } from 'commander'
import { markdownTable } from 'markdown-table'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { type Histogram, summarize, type TensorSummary, totalsOf } from '../../formats/summary.ts'
import { readWeights, type WeightsFile } from '../../formats/weights-file.ts'
import { models } from '../../models/index.ts'
import { UserError } from '../../util/errors.ts'
import { grouped, percent } from '../../util/format.ts'
import { print, printJson } from '../display/output.ts'
import { namedNetwork } from '../flags/named-network.ts'
import { layerRows, layerTable } from '../inspect/layers.ts'
import { inspectOnnx, onnxLines } from '../inspect/onnx.ts'
import { inspectProgram } from '../inspect/program.ts'

interface Options {
  program?: boolean
  model?: string
  batch?: string
  json?: boolean
}

export const inspectCommand = new Command('inspect')
  .description(
    'what a file of weights (ONNX, safetensors, PyTorch, HDF5) or the model of a run folder holds, or what a training step of a network takes',
  )
  .argument(
    '[file]',
    'shape, signs, zeros, mean, std and histogram of every tensor; totals by kind, sparsity, compression ratio',
  )
  .option('--program', 'kernel calls and memory plan of a training step, of the network that the file or --model names')
  .option('--model <name>', 'a built-in network, or an ONNX model (default: the one that the file is or names)')
  .option('--batch <n>', 'with --program: samples per step (default: 128)')
  .option('--json', 'print one JSON object')
  .action(async (given: string | undefined, { program, model, batch, json }: Options) => {
    const path = given === undefined ? undefined : weightsPath(given)
    if (program) return inspectProgram(path, { model, batch, json })
    if (batch !== undefined) throw new UserError('--batch needs --program')
    if (path === undefined) throw new UserError('inspect needs a file of weights, or --program with --model')
    await inspectFile(path, model, json)
  })

async function inspectFile(path: string, name?: string, json?: boolean): Promise<void> {
  const file = await readWeights(path)
  const { network, problem } = networkIn(file, path, name)
  const layers = network && layerRows(network.file, network.model)
  const onnx = file.onnx && inspectOnnx(file.onnx, file)
  const weights = onnx && new Set([...onnx.weights, ...(layers ?? []).map((one) => one.name)])
  const tensors = summarize(onnx?.file ?? file, weights).map((one) => ({
    ...one,
    dtype: onnx?.types.get(one.name) ?? one.dtype,
  }))
  const totals = totalsOf(tensors, onnx && 'weights of layers')
  if (json) {
    const untouched = onnx?.untouched
    printJson({ file: path, metadata: file.metadata, tensors, totals, layers, untouched, problem })
    return
  }
  for (const [key, value] of Object.entries(file.metadata)) print(`${key}: ${value}`)
  const head = ['tensor', 'type', 'shape', 'values', 'positive', 'negative', 'zero', 'sparsity', 'mean', 'std']
  const columns = [...head, 'nonzeros from -limit to limit', 'limit']
  const align = columns.map((name) => (['tensor', 'type', 'shape', columns[10]].includes(name) ? 'l' : 'r'))
  print(markdownTable([columns, ...tensors.map(row)], { align }))
  if (layers && layers.length > 0) print(`\n${layerTable(layers)}`)
  const sums = totals.map(({ what, tensors: n, size, nonzeros }) => [
    what,
    grouped(n),
    grouped(size),
    grouped(nonzeros),
    percent(size ? 1 - nonzeros / size : 0),
  ])
  print(
    `\n${markdownTable([['totals', 'tensors', 'values', 'nonzeros', 'sparsity'], ...sums], { align: ['l', 'r', 'r', 'r', 'r'] })}`,
  )
  const { size, nonzeros } = totals.at(-1)!
  if (nonzeros > 0)
    print(
      `\ncompression ratio ${(size / nonzeros).toFixed(2)}: values by nonzeros of ${onnx ? 'weights of layers' : 'kernels and matrices'}, in numbers, not bytes`,
    )
  for (const line of onnx ? onnxLines(onnx) : []) print(line)
  if (problem) print(`\nnote: ${problem}`)
  for (const { name, nonFinite } of tensors)
    if (nonFinite > 0) print(`warning: ${name} holds ${nonFinite} values that are NaN or infinite`)
}

/**
 * The network of a file, where it is one, names one or is said to be of one; of an ONNX model, why it cannot
 * be run here.
 */
function networkIn(
  file: WeightsFile,
  path: string,
  name?: string,
): { network?: ReturnType<typeof namedNetwork>; problem?: string } {
  if (file.onnx && file.onnx.network instanceof UserError && !name) return { problem: file.onnx.network.message }
  const known =
    name !== undefined || file.onnx || (file.metadata.model !== undefined && Object.hasOwn(models, file.metadata.model))
  return known ? { network: namedNetwork(file, path, name) } : {}
}

const row = (t: TensorSummary): string[] => [
  t.name,
  t.dtype,
  t.shape.join(' x ') || 'scalar',
  grouped(t.size),
  grouped(t.positive),
  grouped(t.negative),
  grouped(t.size - t.nonzeros),
  percent(t.sparsity),
  t.mean.toPrecision(3),
  t.std.toPrecision(3),
  sparkline(t.histogram),
  t.histogram.limit.toPrecision(3),
]

/** One block per bin, its height on a logarithmic scale so that tails can be seen. */
function sparkline({ bins }: Histogram): string {
  const heights = bins.map((n) => Math.log1p(n))
  const most = Math.max(...heights)
  return heights.map((h) => (h === 0 ? ' ' : '▁▂▃▄▅▆▇█'[Math.min(7, Math.floor((8 * h) / most))])).join('')
}
