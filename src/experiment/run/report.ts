/**
 * @file What a run came to, as tables: in the terminal and, the same, as Markdown.
 */
import { markdownTable } from 'markdown-table'
import type { SampleSet } from '../../data/dataset.ts'
import { normalizationText } from '../../data/normalization.ts'
import type { Gap } from '../../methods/gsm/selection.ts'
import { type Connectivity, collapseSentences, effectiveSparsity } from '../../sparsity/collapse.ts'
import type { LayerCount } from '../../sparsity/mask.ts'
import type { MultiplyAdds } from '../../sparsity/multiply-adds.ts'
import type { Evaluation } from '../../train/evaluation.ts'
import type { LayerGain } from '../../train/kernels.ts'
import { bytes, grouped, percent } from '../../util/format.ts'
import type { Recipe } from '../recipe/schema.ts'
import type { RunResult } from './events.ts'

/**
 * Weights, nonzeros and sparsity of every prunable layer, and their sum. Further columns where there is
 * something to say: how many of tied weights can be learned, how many of the nonzeros lie on a path from
 * input to output, the kernels that the layers run on, and which layers are empty.
 */
export function layerTable(layers: readonly LayerCount[], gains: readonly LayerGain[] = []): string {
  const sum = (of: (layer: LayerCount) => number) => layers.reduce((all, layer) => all + of(layer), 0)
  const onPaths = ({ effective, kept }: LayerCount) => effective ?? kept
  const learnableOf = ({ learnable, kept }: LayerCount) => learnable ?? kept
  const [size, kept] = [sum((layer) => layer.size), sum((layer) => layer.kept)]
  const row = (name: string, weights: number, nonzeros: number, effective: number, learnable: number) => [
    name,
    grouped(weights),
    grouped(nonzeros),
    percent(1 - nonzeros / weights),
    grouped(effective),
    kernelText(kept < size ? gains.find((gain) => gain.name === name) : undefined, nonzeros < weights),
    nonzeros === 0 ? 'collapsed: nothing left' : '',
    grouped(learnable),
  ]
  const rows = layers.map((layer) => row(layer.name, layer.size, layer.kept, onPaths(layer), learnableOf(layer)))
  const columns = [0, 1, 2, 3]
  if (layers.some(({ learnable }) => learnable !== undefined)) columns.splice(2, 0, 7)
  if (layers.some((layer) => onPaths(layer) < layer.kept)) columns.push(4)
  columns.push(...[5, 6].filter((i) => rows.some((cells) => cells[i])))
  const table = [
    ['layer', 'weights', 'nonzeros', 'sparsity', 'on a path', 'kernels', 'note', 'learnable'],
    ...rows,
    row('all prunable', size, kept, sum(onPaths), sum(learnableOf)),
  ]
  const align = ['l', 'r', 'r', 'r', 'r', 'l', 'l', 'r']
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

/** How many of the multiply-adds of some layers are left. */
export const multiplyAddsText = ({ dense, kept }: MultiplyAdds, layers: string): string =>
  `${grouped(kept)} of the ${grouped(dense)} multiply-adds of a sample in the ${layers} are left (${percent(dense === 0 ? 0 : kept / dense)})`

/** What a layer ran on, and what that gains or would gain in a training step. */
function kernelText(gain: LayerGain | undefined, zeros: boolean): string {
  if (!gain) return ''
  if (gain.sparse) return `sparse, ${times(gain.gain!)}`
  if (!zeros) return 'dense'
  return gain.gain === undefined ? 'dense' : `dense: sparse would be ${times(gain.gain)}`
}

const times = (gain: number) => `${gain.toFixed(gain < 10 ? 1 : 0)}x`

/** What the zeros gain in time, said plainly; nothing where there is nothing to say. */
export function gainText({
  layers,
  kernels: gains,
  costs,
}: Pick<RunResult, 'kernels' | 'costs'> & { layers: readonly LayerCount[] }): string {
  const zeros = layers.filter(({ size, kept }) => kept < size).map(({ name }) => name)
  const sparse = gains.filter((gain) => gain.sparse && zeros.includes(gain.name))
  if (gains.length === 0 || zeros.length === 0) return ''
  const factors = `Factors are those of the table of costs${costs ? ` ${costs.name}` : ''}, not of this run.`
  if (sparse.length === 0)
    return `The zeros gain no time: all ${zeros.length} layers that have some ran on dense kernels.`
  const rest = zeros.length - sparse.length
  const others = rest > 0 ? `, ${rest} gained nothing from theirs and ran on dense kernels` : ''
  return `${sparse.length} of ${zeros.length} layers with zeros ran on kernels that skip them${others}. ${factors}`
}

/** Accuracy, sizes and time; `byClass`: also top-5, and precision, recall and F1 as means over classes. */
export function resultTable(result: RunResult, { byClass = false } = {}): string {
  const share = (name: string, key: 'accuracy' | 'top5' | 'precision' | 'recall' | 'f1') => [
    name,
    ...[result.dense, result.final].map((evaluation) => shareText(evaluation?.[key])),
  ]
  const classes = [
    ...(result.final.top5 === undefined ? [] : [share('top-5 accuracy', 'top5')]),
    share('precision, mean over classes', 'precision'),
    share('recall, mean over classes', 'recall'),
    share('F1, mean over classes', 'f1'),
  ]
  const { keptEpoch, lastEpoch } = result
  const rows = [
    ['', 'dense', result.dense ? 'pruned' : 'final'],
    share('test accuracy', 'accuracy'),
    ...(keptEpoch === undefined ? [] : [['of the best epoch', '', String(keptEpoch)]]),
    ...(lastEpoch ? [['test accuracy of the last epoch', '', shareText(lastEpoch.accuracy)]] : []),
    ...(byClass ? classes : []),
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

/**
 * What the magnitudes say of the choice of the weights that were kept, where that was asked; nothing
 * otherwise.
 */
export function gapText(gap: Gap | undefined): string {
  if (!gap) return ''
  const { keep, kept, removed, vanished } = gap
  const ratio = removed > 0 ? `, a ratio of ${(kept / removed).toPrecision(3)}` : ''
  return `Exactly ${grouped(keep)} weights were kept, by magnitude: the least of them is ${kept.toPrecision(3)}, the largest removed ${removed.toPrecision(3)}${ratio}; ${percent(vanished)} of all were below 1e-4.`
}

/** Whose weights these are, where the best are kept. */
const keptText = ({ train, validation }: Recipe, epoch: number): string =>
  `The weights are those of epoch ${epoch} of ${train.epochs}, the best by the ${validation?.metric === 'f1' ? 'F1' : 'accuracy'} of held-out samples.`

/** `data`: what the inputs were made of; `met`: how a target was. */
export function reportMarkdown(
  recipe: Recipe,
  engine: string,
  data: SampleSet,
  result: RunResult,
  met?: string,
): string {
  const gains = gainText(result)
  return [
    `# ${recipe.name}`,
    '',
    ...(recipe.summary ? [recipe.summary, ''] : []),
    `Model ${recipe.model.name}, data ${recipe.data.name}, seed ${recipe.seed}; engine: ${engine}. Sparsity is the share of zeros`,
    `among prunable weights (biases are not prunable). The dense network is the one just before the ${recipe.prune?.schedule === 'alternating' ? 'last' : 'first'} pruning event.`,
    '',
    resultTable(result, { byClass: true }),
    '',
    ...(result.keptEpoch === undefined ? [] : [keptText(recipe, result.keptEpoch), '']),
    `Inputs are (pixel / 255 - mean) / std with ${normalizationText(data)}.`,
    '',
    layerTable(result.layers, result.kernels),
    '',
    ...[
      gapText(result.gap),
      result.multiplyAdds && `${multiplyAddsText(result.multiplyAdds, 'prunable layers')}.`,
      gains,
      met && targetText(recipe, met),
    ].flatMap((text) => (text ? [text, ''] : [])),
    ...collapseLines(result).flatMap((line) => [line, '']),
    'The recipe is in recipe.yaml, the machine in environment.json, every epoch and pruning event in metrics.jsonl.',
    '',
  ].join('\n')
}

/** What was asked for, and what that came to when it was chosen. */
function targetText({ prune }: Recipe, met: string): string {
  const asked = Object.entries(prune?.target ?? {}).map(([name, value]) => `${name} ${value}`)
  return `prune.target asked for ${asked.join(', ')}; ${met}.`
}

const shareText = (share: number | undefined) => (share === undefined ? '' : percent(share))
