/** @file espalier inspect: what a file of tensors holds. */
import { Command } from 'commander'
import { markdownTable } from 'markdown-table'
import { grouped, percent } from '../experiment/report.ts'
import { readSafetensors } from '../formats/safetensors.ts'
import { unpackSparse } from '../formats/sparse.ts'
import { type Histogram, summarize, type TensorSummary } from '../formats/summary.ts'
import { print, printJson } from './output.ts'

export const inspectCommand = new Command('inspect')
  .description('names, shapes, nonzeros, sparsity and value histograms of a safetensors file')
  .argument('<file>')
  .option('--json', 'print one JSON object')
  .action((path: string, options: { json?: boolean }) => {
    const file = unpackSparse(readSafetensors(path), path)
    const tensors = summarize(file)
    if (options.json) return printJson({ file: path, metadata: file.metadata, tensors })
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
  })

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
