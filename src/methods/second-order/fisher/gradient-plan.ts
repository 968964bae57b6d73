/**
 * @file How the gradients of a network's weights fit into memory: which of them are there at the same time,
 * and of how many samples they are computed at once. Where not all fit, they are computed again for every
 * group.
 */
import { MOST_FLOATS } from '../../../engine/program.ts'
import { sizeOf, type Tensor } from '../../../graph/tensor.ts'
import type { Model } from '../../../models/model.ts'
import { lacksSampleGradients } from '../../../train/sample-gradients.ts'
import { samplesAtOnce } from '../../../train/samples-at-once.ts'
import { UserError } from '../../../util/errors.ts'
import type { Walk } from '../composition.ts'
import { solverRoom } from './inverse.ts'
import { blockParts, type FisherBlocks, type Part } from './parts.ts'
import { rankOneRoom } from './rank-one-columns.ts'

/** Bytes of gradients at once where nothing else is asked for. */
export const USUAL_MEMORY = 4 * 2 ** 30

/** Weights of a tensor that are taken together where none must be. */
const UNIT = 4096

export interface GradientNeeds {
  /** N: how many gradients. */
  samples: number
  /** Training samples that one gradient belongs to. */
  miniBatch: number
  /** What messages call the method. */
  method: string
  walk: Walk
  /** Which weights interact. */
  fisher: FisherBlocks
  /** Weights that systems are solved for, where these are fewer than the samples: the others are pruned. */
  left?: number
  /**
   * Bytes for columns and the systems solved with them. Default {@link USUAL_MEMORY}, or what must be there
   * together if that is more.
   */
  memory?: number
}

export interface GradientPlan {
  /** Parts of the tensors whose gradients are there at the same time, in order. */
  groups: Part[][]
  /** Most samples that the network computes gradients of in one run. */
  atOnce: number
}

/** Throws UserError, beginning with `where`, where the gradients that must be there together do not fit. */
export function planGradients(
  model: Model,
  tensors: readonly Tensor[],
  { samples, miniBatch, method, walk, fisher, left, memory }: GradientNeeds,
  where: string,
): GradientPlan {
  const lacking = lacksSampleGradients(model)
  if (lacking)
    throw new UserError(
      `${where}: ${model.name} gives no gradients of single samples: ${lacking}; methods that take none are obc, sparsegpt, wanda, magnitude and snip, without --polish`,
    )
  // Diagonals need no weights together; searches need all columns at any time.
  const together = walk !== 'columns' && (fisher === 'full' || walk === 'together')
  const sizes = tensors.map(({ shape }) => sizeOf(shape))
  const rankOne = tensors.map(({ shape }) => miniBatch === 1 && shape.length === 2 && !model.oneByOne)
  const floatsOf = (parts: readonly Part[]) => columnFloats(tensors, rankOne, parts, samples, left)
  const usual = Math.floor((memory ?? USUAL_MEMORY) / 4)
  const most = Math.min(memory === undefined ? MOST_FLOATS : usual, MOST_FLOATS)
  /** Weights of a tensor that stay together. Rank-one gradients are two factors, which are not cut. */
  const unit = (t: number) => {
    if (rankOne[t]) return sizes[t]
    if (walk === 'columns') return UNIT
    return typeof fisher === 'number' ? fisher : sizes[t]
  }
  const units = together
    ? blockParts(sizes, 'full')
    : sizes.flatMap((size, tensor) =>
        blockParts([size], unit(tensor)).map((parts) => parts.map((part) => ({ ...part, tensor }))),
      )

  const groups: Part[][] = []
  for (const parts of units) {
    const last = groups.at(-1)
    const joined = last && joinParts([...last, ...parts])
    if (joined && floatsOf(joined) <= usual) groups[groups.length - 1] = joined
    else {
      const floats = floatsOf(parts)
      if (floats > most)
        throw tooLarge(where, tensors, parts, { samples, method, together, bytes: 4 * floats, most: 4 * most })
      groups.push(parts)
    }
  }
  const perSample = miniBatch === 1 ? sizes.reduce((sum, size) => sum + size, 0) : 0
  return { groups, atOnce: samplesAtOnce(model, perSample) }
}

/** Floats of a workspace: the columns of some parts, and room for systems, as {@link solverRoom}. */
function columnFloats(
  tensors: readonly Tensor[],
  rankOne: readonly boolean[],
  parts: readonly Part[],
  samples: number,
  left?: number,
): number {
  let [columns, scratch] = [0, 0]
  for (const { tensor, size } of parts) {
    const [p, q] = tensors[tensor].shape
    columns += 2 + samples * (rankOne[tensor] ? p + q : size)
    if (rankOne[tensor]) scratch = Math.max(scratch, rankOneRoom([p, q], samples))
  }
  return columns + scratch + solverRoom(samples, left)
}

/** Neighbours of one tensor become one part. */
function joinParts(parts: readonly Part[]): Part[] {
  const joined: Part[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (last?.tensor === part.tensor) joined[joined.length - 1] = { ...last, size: last.size + part.size }
    else joined.push(part)
  }
  return joined
}

interface Excess {
  samples: number
  method: string
  together: boolean
  bytes: number
  most: number
}

function tooLarge(
  where: string,
  tensors: readonly Tensor[],
  parts: readonly Part[],
  { samples, method, together, bytes, most }: Excess,
): UserError {
  const weights = parts.reduce((sum, { size }) => sum + size, 0)
  const what = parts.length === 1 ? tensors[parts[0].tensor].name : `${parts.length} tensors`
  const gigabytes = (n: number) => `${(n / 1e9).toPrecision(3)} GB`
  const choose = together
    ? 'fewer samples, more memory, or woodfisher or cbs-update with a block per layer'
    : 'fewer samples, more memory, or smaller blocks'
  return new UserError(
    `${where}: ${method} needs ${samples} gradients of the ${weights} weights of ${what} at the same time, which take ${gigabytes(bytes)}, more than ${gigabytes(most)}: choose ${choose}`,
  )
}
