/** @file What espalier prune came to: counts from the weights themselves, as tables and as JSON. */
import { markdownTable } from 'markdown-table'
import { collapseLines, multiplyAddsText } from '../../experiment/run/report.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { type Polished, prunedResult, type Reconstructed, type RefreshedStatistics } from '../../methods/masks.ts'
import type { PruningRequest } from '../../methods/method.ts'
import { type Connectivity, effectiveSparsity } from '../../sparsity/collapse.ts'
import { type LayerCount, sparsityOf } from '../../sparsity/mask.ts'
import { type MultiplyAdds, multiplyAddsOf, weightCosts } from '../../sparsity/multiply-adds.ts'
import type { Network } from '../../train/network.ts'
import { grouped, percent } from '../../util/format.ts'
import { DISTANCES, isDistance, type Measured, measuredRows } from '../display/measured.ts'

export interface Share {
  size: number
  kept: number
  /** Share of zeros. */
  sparsity: number
}

export interface PruneCounts {
  /** The tensors that were pruned. */
  layers: LayerCount[]
  /** All of them together. */
  prunable: Share
  /** All parameters of the network, of which the others count as kept. */
  parameters: Share
  /** Multiply-adds of one sample in the pruned tensors. */
  multiplyAdds: MultiplyAdds
  /** What is left of the whole network's paths. */
  paths: Connectivity
  /** Share of weights of all layers that lie on no path from input to output. */
  effectiveSparsity: number
}

/** The test set at each point, and the time of each phase in seconds. */
export interface PruneResult extends PruneCounts {
  dense: Measured
  pruned: Measured
  /** What was made of the layers that read channels which went. */
  reconstructed?: Reconstructed
  /** With new statistics of batch normalizations. */
  refreshed?: Measured
  statistics?: RefreshedStatistics
  /** After updates at constant masks, and what they were. */
  polished?: Measured
  polish?: Polished
  /** After training what was left. */
  finetuned?: Measured
  /** The last of these: of the network that is written. */
  final: Measured
  seconds: Record<string, number>
}

export function pruneCounts(network: Network, tensors: readonly string[]): PruneCounts {
  const paths = prunedResult(network)
  const layers = paths.layers.filter(({ name }) => tensors.includes(name))
  const [size, kept] = [sumOf(layers, 'size'), sumOf(layers, 'kept')]
  const all = network.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  const removed = size - kept
  return {
    layers,
    prunable: { size, kept, sparsity: sparsityOf(layers) },
    parameters: { size: all, kept: all - removed, sparsity: removed / all },
    multiplyAdds: multiplyAddsOf(weightCosts(network.model), layers),
    paths,
    effectiveSparsity: effectiveSparsity(paths),
  }
}

export function pruneReport({ layers, prunable, parameters, multiplyAdds, paths, ...result }: PruneResult): string {
  const row = (name: string, size: number, kept: number) => [name, grouped(size), grouped(kept), percent(kept / size)]
  const rows = [
    ...layers.map(({ name, size, kept }) => row(name, size, kept)),
    row('all pruned tensors', prunable.size, prunable.kept),
    row('all parameters', parameters.size, parameters.kept),
  ]
  const table = markdownTable([['layer', 'weights', 'kept', 'density'], ...rows], { align: ['l', 'r', 'r', 'r'] })
  const { dense, pruned, reconstructed, refreshed, polished, polish, statistics, finetuned, final, seconds } = result
  const states = Object.entries({
    dense,
    pruned,
    ...(refreshed && { [statistics?.outputs === undefined ? 'new statistics' : 'rescaled']: refreshed }),
    ...(polished && { polished }),
    ...(finetuned && { trained: finetuned }),
  })
  const results = markdownTable(
    [['', ...states.map(([name]) => name)], ...measuredRows(states.map(([, one]) => one))],
    { align: ['l', ...states.map(() => 'r')] },
  )
  const times = Object.entries(seconds).map(([phase, time]) => `${phase} ${time.toFixed(1)} s`)
  return [
    table,
    '',
    results,
    ...(isDistance(final) ? ['', DISTANCES] : []),
    '',
    `sparsity ${percent(prunable.sparsity)} of the pruned tensors, ${percent(parameters.sparsity)} of all parameters`,
    multiplyAddsText(multiplyAdds, 'pruned tensors'),
    ...(reconstructed ? [reconstructedText(reconstructed)] : []),
    ...(statistics ? statisticsText(statistics) : []),
    ...(polish ? [polishText(polish)] : []),
    ...(times.length > 0 ? [`time: ${times.join(', ')}`] : []),
    ...collapseLines({ ...paths, ...(!isDistance(final) && { final }) }),
  ].join('\n')
}

/**
 * Says where the budget of multiply-adds leaves fewer weights than the sparsity; undefined where it does
 * not.
 */
export function bindingBudget(
  { prunable: { kept } }: Pick<PruneCounts, 'prunable'>,
  { flops, left = 0 }: Pick<PruningRequest, 'flops' | 'left'>,
): string | undefined {
  if (flops === undefined || kept >= left) return undefined
  return `note: --flops ${flops} binds more than --sparsity: of the ${grouped(left)} weights that this leaves, ${grouped(kept)} fit into the budget`
}

function reconstructedText({ images, layers, before, after, taken }: Reconstructed): string {
  const losses = `from ${before.toFixed(4)} to ${after.toFixed(4)}`
  if (!taken)
    return `reconstruction: layers that lost channels keep their weights: those solved anew on ${grouped(images)} images would raise the held-out loss ${losses}`
  const mean = (of: 'before' | 'after') => percent(layers.reduce((sum, layer) => sum + layer[of], 0) / layers.length)
  return `reconstruction: ${layers.length === 1 ? 'one layer that lost channels was' : `${layers.length} layers that lost channels were`} solved anew on ${grouped(images)} images: their outputs are off by ${mean('after')} in the place of ${mean('before')} on average, held-out loss ${losses}`
}

function statisticsText({ images, before, after, taken, outputs }: RefreshedStatistics): string[] {
  const losses = `from ${before.toFixed(4)} to ${after.toFixed(4)}`
  if (outputs !== undefined && taken)
    return [
      `scales: ${grouped(outputs)} outputs have their dense spread again, which lowers the held-out loss ${losses}`,
    ]
  if (outputs !== undefined || taken) return []
  return [
    `batch normalizations keep their statistics: those of ${grouped(images)} images would raise the held-out loss ${losses}`,
  ]
}

/** What the rounds of updates did, and what they took: they are a little training. */
function polishText({ rounds, gradients, respent, before, after }: Polished): string {
  const cost = `${grouped(gradients)} sample gradients`
  if (rounds === 0) return `polishing: no update lowered the held-out loss of ${before.toFixed(4)} (${cost})`
  const again = respent > 0 ? `, ${grouped(respent)} weights without influence spent again` : ''
  return `polishing: ${rounds} updates of the weights that are left${again}, held-out loss ${before.toFixed(4)} to ${after.toFixed(4)} (${cost})`
}

const sumOf = (layers: readonly LayerCount[], what: 'size' | 'kept') =>
  layers.reduce((sum, layer) => sum + layer[what], 0)
