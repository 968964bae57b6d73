/** @file espalier inspect: what a file of tensors holds; with --program see inspect-program.ts. */
import { Command } from 'commander'
import { markdownTable } from 'markdown-table'
import { grouped, percent } from '../experiment/report.ts'
import { type Histogram, summarize, type TensorSummary } from '../formats/summary.ts'
import { readWeights } from '../formats/weights-file.ts'
import { UserError } from '../util/errors.ts'
import { inspectProgram } from './inspect-program.ts'
import { print, printJson } from './output.ts'

interface Options {
  program?: boolean
  model?: string
  batch?: string
  json?: boolean
}

export const inspectCommand = new Command('inspect')
  .description('what a safetensors file or PyTorch checkpoint holds, or what a training step of a network takes')
  .argument('[file]', 'names, shapes, nonzeros, sparsity and value histograms of its tensors')
  .option('--program', 'kernel calls and memory plan of a training step, of the network that the file or --model names')
  .option('--model <name>', 'with --program: a built-in network (default: the one that the file names)')
  .option('--batch <n>', 'with --program: samples per step (default: 128)')
  .option('--json', 'print one JSON object')
  .action((path: string | undefined, { program, model, batch, json }: Options) => {
    if (program) return inspectProgram(path, { model, batch, json })
    for (const [option, value] of Object.entries({ '--model': model, '--batch': batch }))
      if (value !== undefined) throw new UserError(`${option} needs --program`)
    if (path === undefined) throw new UserError('inspect needs a file of weights, or --program with --model')
    inspectFile(path, json)
  })

function inspectFile(path: string, json?: boolean): void {
  const file = readWeights(path)
  const tensors = summarize(file)
  if (json) {
    printJson({ file: path, metadata: file.metadata, tensors })
    return
  }
  for (const [key, value] of Object.entries(file.metadata)) print(`${key}: ${value}`)
  const size = tensors.reduce((sum, t) => sum + t.size, 0)
  const nonzeros = tensors.reduce((sum, t) => sum + t.nonzeros, 0)
  const head = [
    'tensor',
    'type',
    'shape',
    'values',
    'nonzeros',
    'sparsity',
    'mean',
    'std',
    'nonzeros from -limit to limit',
    'limit',
  ]
  const total = [
    'all',
    '',
    '',
    grouped(size),
    grouped(nonzeros),
    percent(size ? 1 - nonzeros / size : 0),
    '',
    '',
    '',
    '',
  ]
  print(
    markdownTable([head, ...tensors.map(row), total], { align: ['l', 'l', 'l', 'r', 'r', 'r', 'r', 'r', 'l', 'r'] }),
  )
  for (const { name, nonFinite } of tensors)
    if (nonFinite > 0) print(`warning: ${name} holds ${nonFinite} values that are NaN or infinite`)
}

const row = (t: TensorSummary): string[] => [
  ...[t.name, t.dtype, t.shape.join(' x ') || 'scalar', grouped(t.size), grouped(t.nonzeros), percent(t.sparsity)],
  ...[t.mean.toPrecision(3), t.std.toPrecision(3), sparkline(t.histogram), t.histogram.limit.toPrecision(3)],
]

/** One block per bin, its height on a logarithmic scale so that tails can be seen. */
function sparkline({ bins }: Histogram): string {
  const heights = bins.map((n) => Math.log1p(n))
  const most = Math.max(...heights)
  return heights.map((h) => (h === 0 ? ' ' : '▁▂▃▄▅▆▇█'[Math.min(7, Math.floor((8 * h) / most))])).join('')
}
