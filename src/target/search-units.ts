/**
 * @file From targets to a level for every unit where whole channels may go. What a level saves depends on the
 * levels of the neighbours, since a weight goes with its input or with its output; the search takes what each
 * saves alone, looks at what the network really comes to, and corrects its budgets until that fits.
 */
import { UserError } from '../util/errors.ts'
import { allocate, type Option } from './allocate.ts'
import { OWN_NAMES, type TargetNames, type Targets } from './search.ts'
import { type UnitLevels, unitLosses } from './unit.ts'

/** What a network comes to: those of the targets, and what is said of it. */
export interface NetworkCosts {
  milliseconds?: number
  /** Of the file. */
  bytes: number
  multiplyAdds: number
}

export interface UnitSearch {
  units: readonly UnitLevels[]
  targets: Targets
  /** What the dense network comes to. */
  dense: NetworkCosts
  /** What it comes to with one unit at a level, by unit and level. */
  alone: ReadonlyMap<string, readonly NetworkCosts[]>
  /** What it comes to with every unit at a level, measured. */
  measure(levels: ReadonlyMap<string, number>): Promise<NetworkCosts>
  /** What messages call the targets. Default: as in {@link Targets}. */
  names?: TargetNames
}

export interface UnitChoice {
  /** By unit, a place among its levels. */
  levels: Map<string, number>
  /** What the levels add to the loss, if each adds what it adds alone. */
  loss: number
  costs: NetworkCosts
}

type Key = keyof NetworkCosts

/** A target is met well where it is used to this share, and that is what corrections aim at. */
const NEAR = 0.97
const CORRECTIONS = 10
/** Times of the same network differ by so much. */
const NOISE = 1.01

/**
 * The choice that meets all targets with the least loss. Throws UserError, which names the target and says
 * what can be had, where one cannot be met, and where the dense network meets all.
 */
export async function searchUnits(search: UnitSearch): Promise<UnitChoice> {
  const { dense } = search
  const wanted = limitsOf(search)
  if (wanted.every(({ key, most }) => dense[key]! <= most))
    throw new UserError(
      `${wanted.map(({ name }) => name).join(', ')}: there is nothing to do: the network takes ${wanted.map(({ key }) => said(key, dense, dense)).join(', ')} as it is`,
    )
  const budgets = wanted.map(({ most }) => most)
  let best: UnitChoice | undefined
  for (let round = 0; round < CORRECTIONS; round++) {
    const choice = chosen(search, wanted, budgets)
    if (!choice) break
    const costs = await search.measure(choice.levels)
    const fits = wanted.every(({ key, most }) => costs[key]! <= most)
    if (fits && (!best || choice.loss < best.loss)) best = { ...choice, costs }
    if (fits && wanted.some(({ key, most }) => costs[key]! >= NEAR * most)) break
    const before = budgets.slice()
    wanted.forEach(({ key, most }, k) => {
      const aim = ((1 + NEAR) / 2) * most
      // What fits by itself is left alone where something else has to give way.
      if (fits || costs[key]! > most) budgets[k] = choice.spent[k] + aim - costs[key]!
    })
    if (budgets.every((budget, k) => budget === before[k])) break
  }
  if (best) return best
  throw await unmet(search, wanted)
}

interface Limit {
  key: Key
  /** What messages call it. */
  name: string
  most: number
}

function limitsOf({ targets, dense, names = OWN_NAMES }: UnitSearch): Limit[] {
  const { milliseconds, bytes, flops } = targets
  const limits = [
    { key: 'milliseconds', name: names.milliseconds, most: milliseconds },
    { key: 'bytes', name: names.bytes, most: bytes },
    { key: 'multiplyAdds', name: names.flops, most: flops && flops * dense.multiplyAdds },
  ] as const
  return limits.flatMap(({ most, ...limit }) => (most === undefined ? [] : [{ ...limit, most }]))
}

/** The best choice by what each unit comes to alone; undefined where the budgets are too small. */
function chosen({ units, dense, alone }: UnitSearch, wanted: readonly Limit[], budgets: readonly number[]) {
  const layers = units.map((unit) => {
    const costs = alone.get(unit.name)!
    return unitLosses(unit).map(
      (loss, level): Option => ({
        loss,
        costs: wanted.map(({ key }) => costs[level][key]! - dense[key]! + dense[key]! / units.length),
      }),
    )
  })
  try {
    const { levels, loss, costs } = allocate(layers, budgets)
    return { levels: new Map(units.map(({ name }, u) => [name, levels[u]])), loss, spent: costs }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return undefined
  }
}

/** Why there is no choice: the target that cannot be met, with the least that can be had. */
async function unmet(search: UnitSearch, wanted: readonly Limit[]): Promise<UserError> {
  const { units, alone, dense } = search
  for (const { key, name, most } of wanted) {
    const cheapest = new Map(
      units.map(({ name }) => {
        const costs = alone.get(name)!.map((one) => one[key]!)
        return [name, costs.indexOf(Math.min(...costs))]
      }),
    )
    const least = await search.measure(cheapest)
    if (least[key]! <= (key === 'milliseconds' ? NOISE : 1) * most) continue
    const asked = { ...dense, [key]: most }
    return new UserError(
      `${name}: ${said(key, asked, dense)} cannot be met: with everything at its cheapest level the network takes ${said(key, least, dense)}`,
    )
  }
  const all = wanted.map(({ name }) => name).join(' and ')
  return new UserError(`${all} cannot be met together: each can alone, but no choice of levels meets all`)
}

function said(key: Key, costs: NetworkCosts, dense: NetworkCosts): string {
  if (key === 'milliseconds') return `${costs.milliseconds!.toPrecision(3)} ms`
  if (key === 'bytes') return `${(costs.bytes / 1000).toFixed(1)} kB`
  return `${(costs.multiplyAdds / dense.multiplyAdds).toPrecision(3)} of the multiply-adds`
}
