/**
 * @file What a run came to, as tables: in the terminal and, the same, as Markdown.
 */
import { markdownTable } from 'markdown-table'
import type { LayerCount } from '../prune/mask.ts'
import type { Evaluation } from '../train/network.ts'
import type { Recipe } from './recipe.ts'
import type { RunResult } from './run-events.ts'

/** Weights, nonzeros and sparsity of every prunable layer, and their sum. */
export function layerTable(layers: readonly LayerCount[]): string {
  const size = layers.reduce((sum, layer) => sum + layer.size, 0)
  const kept = layers.reduce((sum, layer) => sum + layer.kept, 0)
  const row = (name: string, weights: number, nonzeros: number) => [
    ...[name, grouped(weights), grouped(nonzeros), percent(1 - nonzeros / weights)],
    nonzeros === 0 ? 'collapsed: nothing left' : '',
  ]
  const rows = layers.map((layer) => row(layer.name, layer.size, layer.kept))
  const notes = rows.some((cells) => cells[4])
  const table = [['layer', 'weights', 'nonzeros', 'sparsity', 'note'], ...rows, row('all prunable', size, kept)]
  return markdownTable(
    table.map((cells) => (notes ? cells : cells.slice(0, 4))),
    { align: ['l', 'r', 'r', 'r', 'l'] },
  )
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
