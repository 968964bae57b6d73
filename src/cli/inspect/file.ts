/** @file espalier inspect of a file: what its tensors hold. */
import { markdownTable } from 'markdown-table'
import { weightsPath } from '../../experiment/run/weights-path.ts'
import { type Histogram, summarize, type TensorSummary, totalsOf } from '../../formats/summary.ts'
import { readWeights, type WeightsFile } from '../../formats/weights-file.ts'
import { isModelName } from '../../models/index.ts'
import { UserError } from '../../util/errors.ts'
import { grouped, percent } from '../../util/format.ts'
import { print, printJson, printNote } from '../display/output.ts'
import { fitting } from '../display/width.ts'
import { namedNetwork } from '../flags/named-network.ts'
import { layerRows, layerTable } from './layers.ts'
import { inspectOnnx, onnxLines } from './onnx.ts'
import type { InspectOptions } from './options.ts'

/** Columns that go where the terminal has no room for them, the first ones first. */
const EXPENDABLE = ['nonzeros from -limit to limit', 'limit', 'positive', 'negative', 'std', 'mean', 'type', 'zero']
const EXPENDABLE_OF_LAYERS = ['without zeros', 'FLOPs of a sample', 'N:M', 'shape', 'nonzeros']

/** Prints what a file of weights holds, or the model of a run folder. Throws UserError. */
export async function inspectFile(given: string, { model: name, json }: InspectOptions): Promise<void> {
  const path = weightsPath(given)
  const file = await readWeights(path, undefined, printNote)
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
  print(fitting(markdownTable([columns, ...tensors.map(row)], { align }), EXPENDABLE))
  if (layers && layers.length > 0) print(`\n${fitting(layerTable(layers), EXPENDABLE_OF_LAYERS)}`)
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
    name !== undefined || file.onnx || (file.metadata.model !== undefined && isModelName(file.metadata.model))
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
