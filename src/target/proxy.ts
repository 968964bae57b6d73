/**
 * @file What levels do to the loss, estimated where measuring takes too long: one look at gradients of the
 * dense network in the place of a forward pass for every tensor, level and sample. Half the sum of F d^2, d
 * what pruning changes and F the diagonal of the empirical Fisher matrix, is what the loss grows by to second
 * order where it has its least value and changes do not interact (Optimal Brain Damage, LeCun et al. 1990;
 * Theis et al. 2018). That tells tensors apart better than it tells losses, which it misses by a factor, most
 * of all of networks that are sure of what they say; so some levels are really judged, and all estimates
 * multiplied by the median of what these come to.
 */
import type { Floats } from '../engine/machine.ts'
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { random } from '../util/random.ts'
import { rankCorrelation } from '../util/rank-correlation.ts'
import { denseOf, maskOf } from './levels.ts'
import type { Level, TensorLevels } from './tensor-levels.ts'
import type { Trials } from './trials.ts'

export interface ProxyOptions {
  /** Default: as many as {@link Trials.effort} says. */
  sparsities?: readonly number[]
  /** How many levels are judged, too. Default 12, at most all. */
  checks?: number
  /** Called after each level, with the tensor; the share that is done of all. */
  progress?(tensor: string, share: number): void
}

/** A level that was judged, too: by how much it raises the loss, by half the sum of F d^2 and measured. */
export interface ProxyCheck {
  tensor: string
  sparsity: number
  estimated: number
  measured: number
}

export interface Estimates {
  /** With losses that are estimates. */
  levels: TensorLevels[]
  /** What half the sum of F d^2 was multiplied by. */
  scale: number
  checks: ProxyCheck[]
}

/** How far estimates were off where that was seen. */
export interface ProxyError {
  /** Estimated over measured growth of the loss, of those above 0: the least and the most. */
  factor?: { least: number; most: number }
  /** Spearman's rank correlation; undefined of fewer than three. */
  rankCorrelation?: number
}

const CHECKS = 12

/** All levels of some tensors, whose losses are estimated, and what some of them really are. */
export async function estimateLevels(
  trials: Trials,
  tensors: readonly Tensor[],
  { sparsities = trials.effort.sparsities, checks = CHECKS, progress = () => {} }: ProxyOptions = {},
): Promise<Estimates> {
  const fisher = await trials.fisherDiagonal()
  const { judged, weights } = await denseOf(trials, tensors)
  /** By tensor; what stands for the loss is what it grows by. */
  const growths = new Map(
    tensors.map(({ name }): [string, Level[]] => [name, [{ sparsity: 0, loss: 0, ...maskOf(weights.get(name)!) }]]),
  )
  const total = tensors.length * sparsities.length
  const order = random(trials.seed, 'levels that check estimates').permutation(total)
  const checked = new Set(order.slice(0, checks))
  const found: ProxyCheck[] = []
  let done = 0
  for await (const { tensor, sparsity, network } of trials.alone(tensors, everywhere(tensors, sparsities))) {
    const { name } = tensor
    const pruned = network.weights.whole(name)
    const estimated = halfSquares(fisher.get(name)!, weights.get(name)!, pruned)
    growths.get(name)!.push({ sparsity, loss: estimated, ...maskOf(pruned) })
    if (checked.has(done))
      found.push({ tensor: name, sparsity, estimated, measured: trials.judge(network).loss - judged.loss })
    done++
    progress(`${name}, ${tensors.indexOf(tensor) + 1} of ${tensors.length}`, done / total)
  }
  const scale = scaleOf(found)
  const levels = tensors.map(({ name, shape }) => ({
    name,
    size: sizeOf(shape),
    levels: growths.get(name)!.map((level) => ({ ...level, loss: judged.loss + scale * level.loss })),
  }))
  return { levels, scale, checks: found }
}

/** What was measured over what was estimated: the median of what grew; 1 where nothing did. */
function scaleOf(checks: readonly ProxyCheck[]): number {
  const factors = grown(checks).map(({ estimated, measured }) => measured / estimated)
  return factors.length > 0 ? factors.sort((a, b) => a - b)[factors.length >> 1] : 1
}

const grown = (checks: readonly ProxyCheck[]) =>
  checks.filter(({ estimated, measured }) => estimated > 0 && measured > 0)

const everywhere = (tensors: readonly Tensor[], sparsities: readonly number[]) =>
  new Map(tensors.map(({ name }) => [name, sparsities]))

/** The sum of F d^2 / 2. */
function halfSquares(fisher: Floats, dense: Floats, pruned: Floats): number {
  let sum = 0
  for (let i = 0; i < fisher.length; i++) sum += (fisher[i] * (pruned[i] - dense[i]) ** 2) / 2
  return sum
}

export function proxyError({ scale, checks }: Pick<Estimates, 'scale' | 'checks'>): ProxyError {
  const factors = grown(checks).map(({ estimated, measured }) => (scale * estimated) / measured)
  const correlation = rankCorrelation(
    checks.map(({ estimated }) => estimated),
    checks.map(({ measured }) => measured),
  )
  return {
    ...(factors.length > 0 && { factor: { least: Math.min(...factors), most: Math.max(...factors) } }),
    ...(checks.length > 2 && correlation !== undefined && { rankCorrelation: correlation }),
  }
}
