/**
 * @file The return of what was pruned, between the sparse phases of AC/DC (Alternating Compressed /
 * DeCompressed training, Peste et al. 2021, arXiv 2106.12379). A sparse phase is pruning by any saliency
 * (published: the largest |w| of all layers), after which training goes on under the masks; then all masks
 * are lifted,
 *
 *     mask = 1,   w = 0 where the mask was 0,   v = 0 for the momentum of every parameter,
 *
 * and a dense phase begins. When the phases begin says the schedule `alternating` (src/sparsity/schedule.ts).
 */
import { connectivityOf } from '../sparsity/collapse.ts'
import { sparsityOf } from '../sparsity/mask.ts'
import type { Network } from '../train/network.ts'
import type { PruneResult } from './masks.ts'

/**
 * Lifts all masks of a network: weights that were pruned are zero and learn again. Momentum is zero from here
 * on, that of weights which were there and of biases too, as in the published code: it is of another network.
 * The result counts masks, since what returns is zero at first.
 */
export function liftMasks(network: Network): PruneResult {
  network.densify()
  const masks = new Map(network.prunable.map(({ name }) => [name, network.mask(name).fill(1)]))
  for (const { name } of network.parameters) network.momentum(name).fill(0)
  const found = connectivityOf(network.model, masks)
  network.fitKernels()
  return { ...found, sparsity: sparsityOf(found.layers) }
}
