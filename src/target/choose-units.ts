/**
 * @file From targets to channels that stay, and sparsities of single weights beside them: levels of every
 * unit, what each saves alone, and the search. Costs are those of the compacted network.
 */
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { countNonzeros } from '../sparsity/count.ts'
import { UserError } from '../util/errors.ts'
import type { CompactedCosts } from './compacted-costs.ts'
import { DropLimit } from './drop-limit.ts'
import type { KeptLevels } from './levels.ts'
import { checkLimits, LIMIT_NAMES, type LimitNames, type Limits } from './limits.ts'
import { type NetworkCosts, searchUnits, type UnitChoice, type UnitSearch } from './search-units.ts'
import type { Trials } from './trials.ts'
import { askedAt, eachRemoved, type Unit, type UnitLevels } from './unit.ts'
import { measureUnits } from './unit-levels.ts'

export interface ChooseUnitsOptions {
  trials: Trials
  /** What is decided on (unit.ts), of these tensors. */
  units: readonly Unit[]
  tensors: readonly Tensor[]
  /** What networks come to. With a target of time it has a runtime. */
  costs: CompactedCosts
  limits: Limits
  /** What messages call the limits. Default: as in {@link Limits}. */
  names?: LimitNames
  store?: KeptLevels
  /** A part of the work, what of it was done last, and the share of the part that is done. */
  onProgress?(part: 'levels' | 'costs' | 'drop', text: string, share?: number): void
}

/** As pruning is asked for it: channels that stay by unit, sparsities of what they leave by tensor. */
export interface ChosenUnits {
  channels: Map<string, number>
  sparsities: Map<string, number>
  /** The share of the tensors' weights that goes. */
  share: number
  choice: UnitChoice
  /** All that there was to choose from. */
  units: UnitLevels[]
  /** What the dense network comes to. */
  dense: NetworkCosts
}

/**
 * The level of every unit with which the compacted network meets its targets at the least loss. Rejects with
 * UserError, one sentence that names the target, where there is nothing to do, where a target cannot be met,
 * or not with the others.
 */
export async function chooseUnits(options: ChooseUnitsOptions): Promise<ChosenUnits> {
  const { trials, tensors, costs, limits, names = LIMIT_NAMES, store, onProgress = () => {} } = options
  const { drop, ...targets } = limits
  checkLimits(limits, names)
  if (limits.milliseconds !== undefined && !costs.timed)
    throw new UserError(`${names.milliseconds}: expected costs with a runtime, which it is of, found none`)
  if (options.units.length === 0) throw new UserError('expected units with levels, found none')
  const dense = await costs.ofDense()
  const progress = (what: string, share: number) => onProgress('levels', what, share)
  const units = await measureUnits(trials, options.units, { store, progress })
  const measure = (levels: ReadonlyMap<string, number>) => costs.at(units, levels)
  const alone = await aloneCosts(units, { dense, measure, onProgress })
  const found: UnitSearch = { units, targets, dense, alone, measure, names }
  const choose = async () => {
    if (drop === undefined) return searchUnits(found)
    const limit = new DropLimit<UnitChoice>(drop, {
      trials,
      name: names.drop,
      targets,
      onTry: (text) => onProgress('drop', text),
      leastFlops: await leastFlops(found),
      search: (some) => searchUnits({ ...found, targets: some }),
      prune: async ({ levels }) => {
        const { channels, sparsities } = askedAt(units, tensors, levels)
        return (await trials.prune(tensors, sparsities, { channels, afterwards: true })).network
      },
    })
    return limit.choose()
  }
  const choice = await choose()
  return {
    ...askedAt(units, tensors, choice.levels),
    share: removedShare(units, choice, tensors),
    choice,
    units,
    dense,
  }
}

/** What the network comes to with each unit at each of its levels, the others dense. */
async function aloneCosts(
  units: readonly UnitLevels[],
  {
    dense,
    measure,
    onProgress,
  }: Pick<UnitSearch, 'dense' | 'measure'> & Required<Pick<ChooseUnitsOptions, 'onProgress'>>,
): Promise<Map<string, NetworkCosts[]>> {
  const total = units.reduce((sum, { levels }) => sum + levels.length - 1, 0)
  let done = 0
  onProgress('costs', '', 0)
  const found = new Map<string, NetworkCosts[]>()
  for (const { name, levels } of units) {
    const costs = [dense]
    for (let level = 1; level < levels.length; level++) {
      costs.push(await measure(new Map([[name, level]])))
      onProgress('costs', name, ++done / total)
    }
    found.set(name, costs)
  }
  return found
}

/** The share of the multiply-adds that the cheapest levels leave. */
async function leastFlops({ units, alone, measure, dense }: UnitSearch): Promise<number> {
  const cheapest = units.map(({ name }) => {
    const counts = alone.get(name)!.map(({ multiplyAdds }) => multiplyAdds)
    return [name, counts.indexOf(Math.min(...counts))] as const
  })
  return (await measure(new Map(cheapest))).multiplyAdds / dense.multiplyAdds
}

/** The share of the tensors' weights that all levels together remove. */
function removedShare(units: readonly UnitLevels[], { levels }: UnitChoice, tensors: readonly Tensor[]): number {
  const kept = new Map(tensors.map(({ name, shape }) => [name, new Uint8Array(sizeOf(shape)).fill(1)]))
  for (const unit of units)
    eachRemoved(unit, unit.levels[levels.get(unit.name)!], (name, i) => {
      kept.get(name)![i] = 0
    })
  const sum = (of: (bits: Uint8Array) => number) => [...kept.values()].reduce((all, bits) => all + of(bits), 0)
  return 1 - sum(countNonzeros) / sum(({ length }) => length)
}
