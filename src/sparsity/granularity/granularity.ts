/**
 * @file What a granularity is: which weights are kept or removed together, whatever the saliency that scored
 * them and the scope that ranks them.
 */
import { type Count, keptCount } from '../count.ts'
import { type Floor, raiseToFloor } from '../floor.ts'
import { countKept, type MaskedLayer, type Select } from '../mask.ts'
import type { CostBudget } from '../multiply-adds.ts'
import type { Scope } from '../scope.ts'

/** How many weights are to be kept, and where. */
export interface Budget {
  scope: Scope
  /** Share of zeros among the weights of all layers, 0 to 1. */
  sparsity: number
  /** Default: {@link keptCount}. */
  count?: Count
  /** What every layer keeps at least. Default: nothing. */
  floor?: Floor
  /** What the kept weights may cost, where single weights compete over all layers. Default: anything. */
  multiplyAdds?: CostBudget
  /** Of whole channels: how many of a group stay is a multiple of it. Default 1. */
  multipleOf?: number
  /**
   * Of whole channels, in the place of the sparsity: how many stay of some groups (channel-spaces.ts), by
   * name. Of what that leaves of a layer, the scope's share of single weights stays.
   */
  channels?: ReadonlyMap<string, number>
  select: Select
}

export interface Granularity {
  summary: string
  /**
   * Lowers the masks (0 or 1 per weight) to what the budget keeps. Scores are finite, and -Infinity where a
   * weight had been removed before; they may be overwritten. Never more weights are kept than the scope says,
   * unless a floor needs them; fewer only where the granularity leaves no other choice.
   */
  write(layers: readonly MaskedLayer[], budget: Budget): void
}

/** A layer and how many weights the mask leaves now; its views stay those of the layer, whatever runs. */
const withLeft = (layer: MaskedLayer): MaskedLayer & { left: number } => ({
  name: layer.name,
  shape: layer.shape,
  get mask() {
    return layer.mask
  },
  get scores() {
    return layer.scores
  },
  left: countKept(layer.mask),
})

/** The groups of the scope with the floor and with what is left in them taken into account. */
export function plannedGroups(
  layers: readonly MaskedLayer[],
  { scope, sparsity, count = keptCount, floor }: Budget,
): { layers: MaskedLayer[]; keep: number }[] {
  const present = new Map(layers.map((layer) => [layer.name, withLeft(layer)]))
  const groups = scope.groups([...present.values()], sparsity, count)
  return (floor ? raiseToFloor(groups, floor) : groups).map(({ layers: some, keep }) => {
    const members = some.map(({ name }) => present.get(name)!)
    return {
      layers: members,
      keep: Math.min(
        keep,
        members.reduce((sum, { left }) => sum + left, 0),
      ),
    }
  })
}
