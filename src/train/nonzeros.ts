/** @file How many weights of a network are not zero, and whether those are the ones that its masks leave. */
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { countKept, type LayerCount } from '../sparsity/mask.ts'
import { maskName } from './graphs.ts'
import type { GradientRule } from './rules.ts'
import type { Weights } from './weights.ts'

/**
 * The size and the number of nonzero weights of each layer. Where a weight is held sparse, every entry of its
 * pattern counts, even one whose value is zero. A rule can say how many of them are learnable.
 */
export function layerCounts(layers: readonly Tensor[], weights: Weights, rules: readonly GradientRule[]): LayerCount[] {
  const rule = rules.find(({ learnable }) => learnable !== undefined)
  return layers.map(({ name, shape }) => {
    let kept = 0
    for (const weight of weights.view(name)) if (weight !== 0 || weights.isSparse(name)) kept++
    return { name, size: sizeOf(shape), kept, ...(rule && { learnable: rule.learnable!(shape) }) }
  })
}

/** Throws where a masked weight of a layer is not exactly zero. */
export function assertMasked(layers: readonly Tensor[], weights: Weights): void {
  for (const { name } of layers) {
    if (weights.isSparse(name)) continue // there is no place where such a weight could be
    const [values, mask] = [weights.view(name), weights.view(name, maskName(name))]
    countKept(mask)
    const revived = values.findIndex((w, i) => w !== 0 && mask[i] === 0)
    if (revived >= 0) throw new Error(`the pruned weight ${name}[${revived}] is ${values[revived]}, expected 0`)
  }
}
