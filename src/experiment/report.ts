/**
 * @file What a run came to, as tables: in the terminal and, the same, as Markdown.
 */
import { markdownTable } from 'markdown-table'
import { type Connectivity, collapseSentences, effectiveSparsity } from '../prune/collapse.ts'
import type { LayerCount } from '../prune/mask.ts'
import type { Evaluation } from '../train/network.ts'
import type { Recipe } from './recipe.ts'
import type { RunResult } from './run-events.ts'

/**
 * Weights, nonzeros and sparsity of every prunable layer, and their sum. Where some of the nonzeros lie on no path from input to output, a column says how
 * many do; where a layer is empty, another one says so.
 */
export function layerTable(layers: readonly LayerCount[]): string {
  const sum = (of: (layer: LayerCount) => number) => layers.reduce((all, layer) => all + of(layer), 0)
  const onPaths = ({ effective, kept }: LayerCount) => effective ?? kept
  const row = (name: string, size: number, kept: number, effective: number) => [
    ...[name, grouped(size), grouped(kept), percent(1 - kept / size), grouped(effective)],
    kept === 0 ? 'collapsed: nothing left' : '',
  ]
  const rows = layers.map((layer) => row(layer.name, layer.size, layer.kept, onPaths(layer)))
  const total = row(
    'all prunable',
    sum(({ size }) => size),
    sum(({ kept }) => kept),
    sum(onPaths),
  )
  const columns = [0, 1, 2, 3]
  if (layers.some((layer) => onPaths(layer) < layer.kept)) columns.push(4)
  if (layers.some(({ kept }) => kept === 0)) columns.push(5)
  const table = [['layer', 'weights', 'nonzeros', 'sparsity', 'on a path', 'note'], ...rows, total]
  const align = ['l', 'r', 'r', 'r', 'r', 'l']
  return markdownTable(
    table.map((cells) => columns.map((i) => cells[i])),
    { align: columns.map((i) => align[i]) },
  )
}

/** What is to be said of a pruned network beyond its counts; empty where nothing is. */
export function collapseLines(found: Connectivity & { final?: Evaluation }): string[] {
  const cutOff = found.layers.reduce((sum, { kept, effective }) => sum + kept - effective, 0)
  return [
    ...collapseSentences(found).map((sentence) => `warning: ${sentence}`),
    ...(found.final?.constant
      ? ['warning: the outputs are the same for every test sample: the accuracy is chance']
      : []),
    ...(cutOff > 0
      ? [
          `${grouped(cutOff)} of the nonzeros lie on no path from input to output: effective sparsity ${percent(effectiveSparsity(found))}`,
        ]
      : []),
  ]
}

/** Accuracy, sizes and time. */
export function resultTable(result: RunResult): string {
  const rows = [
    ['', 'dense', result.dense ? 'pruned' : 'final'],
    ['test accuracy', accuracy(result.dense), accuracy(result.final)],
    ['test loss', result.dense?.loss.toFixed(4) ?? '', result.final.loss.toFixed(4)],
    ['file size', bytes(result.denseBytes), bytes(result.modelBytes)],
    ['training time', '', `${result.seconds.toFixed(1)} s`],
  ]
  const columns = result.dense ? [0, 1, 2] : [0, 2]
  return markdownTable(
    rows.map((row) => columns.map((i) => row[i])),
    { align: ['l', 'r', 'r'] },
  )
}

export function reportMarkdown(recipe: Recipe, engine: string, result: RunResult): string {
  return [
    `# ${recipe.name}`,
    '',
    ...(recipe.summary ? [recipe.summary, ''] : []),
    `Model ${recipe.model.name}, data ${recipe.data.name}, seed ${recipe.seed}; engine: ${engine}. Sparsity is the share of zeros`,
    'among prunable weights (biases are not prunable). The dense network is the one just before the first pruning event.',
    '',
    resultTable(result),
    '',
    layerTable(result.layers),
    '',
    ...collapseLines(result).flatMap((line) => [line, '']),
    'The recipe is in recipe.yaml, the machine in environment.json, every epoch and pruning event in metrics.jsonl.',
    '',
  ].join('\n')
}

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`
const accuracy = (evaluation: Evaluation | undefined) => (evaluation ? percent(evaluation.accuracy) : '')
export const grouped = (n: number): string => n.toLocaleString('en-US')

export function bytes(n: number): string {
  if (n < 1000) return `${n} B`
  if (n < 1e6) return `${(n / 1e3).toFixed(1)} kB`
  return n < 1e9 ? `${(n / 1e6).toFixed(2)} MB` : `${(n / 1e9).toFixed(2)} GB`
}
