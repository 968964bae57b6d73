/**
 * @file From targets to a level for every tensor: the least sum of losses within a time, a size and a share
 * of multiply-adds. The time is that of the network as a whole, measured, and the budget corrected until it
 * is met.
 */
import { UserError } from '../util/errors.ts'
import { type Allocation, allocate, cheapest, type Option } from './allocate.ts'
import type { Latency } from './latency.ts'
import { lossesOf, type TensorLevels } from './tensor-levels.ts'

/** What may not be exceeded; one or more of them. */
export interface Targets {
  /** Milliseconds of a batch. */
  milliseconds?: number
  /** Bytes of the file in the form that {@link SearchOptions.sizes} are of. */
  bytes?: number
  /** Share of the prunable tensors' dense multiply-adds, above 0 to 1. */
  flops?: number
}

export interface SearchOptions {
  tensors: readonly TensorLevels[]
  targets: Targets
  /** What levels count as, by tensor. Default: {@link lossesOf}. */
  losses?: ReadonlyMap<string, readonly number[]>
  /** Where there is a target of time: what layers take, and what a choice of levels takes as a whole. */
  latency?: Latency
  time?(levels: ReadonlyMap<string, number>): number | Promise<number>
  /** Bytes of everything in the file that is no prunable tensor. */
  otherBytes: number
  /** Bytes of tensors at their levels. Default: stored sparse where that is smaller, {@link storedBytes}. */
  sizes?: ReadonlyMap<string, readonly number[]>
  /** Multiply-adds of one weight, by tensor. */
  costs: ReadonlyMap<string, number>
  /** What messages call the targets. Default: as here. */
  names?: TargetNames
}

export type TargetNames = Readonly<Record<keyof Targets, string>>

export const OWN_NAMES: TargetNames = { milliseconds: 'milliseconds', bytes: 'bytes', flops: 'flops' }

export interface Choice {
  /** By tensor, a place among its levels. */
  levels: Map<string, number>
  /** By tensor. */
  sparsities: Map<string, number>
  /** What the levels add to the loss, if each adds what it adds alone. */
  loss: number
  /** Measured, where there is a target of time. */
  milliseconds?: number
}

/**
 * A time is met where it is at most the target, and at least this share of it unless the network is dense.
 */
const NEAR = 0.97

/** Corrections of the budget of time, at most. */
const CORRECTIONS = 8

/**
 * The choice that meets all targets with the least loss. Throws UserError, which names the target and says
 * what can be had, where one cannot be met, or not all of them together, and where the dense network meets
 * all.
 */
export async function search(options: SearchOptions): Promise<Choice> {
  const { targets, latency, time } = options
  refuseIdle(options)
  refuseImpossible(options)
  if (targets.milliseconds === undefined || !latency || !time) {
    const choice = choose(options, latency?.rest ?? 0)
    if (choice) return choice
    throw together(options)
  }
  let best: Choice | undefined
  let budget = targets.milliseconds
  let [below, above] = [0, Number.POSITIVE_INFINITY]
  for (let round = 0; round < CORRECTIONS; round++) {
    const choice = attempt(options, budget)
    const milliseconds = choice ? await time(choice.levels) : 0
    if (!choice) below = budget
    else if (milliseconds <= targets.milliseconds) {
      below = budget
      if (!best || choice.loss < best.loss) best = { ...choice, milliseconds }
      if (milliseconds >= NEAR * targets.milliseconds) break
    } else above = Math.min(above, budget)
    // By the proportion, but between what was too little and what was too much.
    const proportional = budget * (choice ? (targets.milliseconds * (1 + NEAR)) / 2 / milliseconds : 1.1)
    const between = proportional > below && proportional < above
    budget = between ? proportional : above < Number.POSITIVE_INFINITY ? (below + above) / 2 : 1.1 * below
    if (above - below < 1e-3 * targets.milliseconds) break
  }
  if (best) return best
  const fastest = await time(new Map(options.tensors.map(({ name }) => [name, quickest(latency, name)])))
  if (fastest <= targets.milliseconds && givenTargets(targets).length > 1) throw together(options)
  throw tooFast(options, fastest)
}

/** The error for a time that is less than the fastest levels take. */
export const tooFast = ({ targets, names = OWN_NAMES }: Pick<SearchOptions, 'targets' | 'names'>, fastest: number) =>
  new UserError(
    `${names.milliseconds}: a time of ${targets.milliseconds} ms cannot be met: with every tensor at its fastest level the network takes ${fastest.toPrecision(3)} ms`,
  )

const givenTargets = (targets: Targets): (keyof Targets)[] =>
  (['milliseconds', 'bytes', 'flops'] as const).filter((key) => targets[key] !== undefined)

/** The error for targets that can each be met alone. */
const together = ({ targets, names = OWN_NAMES }: Pick<SearchOptions, 'targets' | 'names'>) =>
  new UserError(
    `${givenTargets(targets)
      .map((key) => names[key])
      .join(' and ')} cannot be met together: each can alone, but no choice of levels meets all`,
  )

/** Undefined where the budget of time is too small. */
function attempt(options: SearchOptions, milliseconds: number): Choice | undefined {
  const { latency, tensors } = options
  const least = cheapest(
    tensors.map(({ name }) => latency!.layers.get(name)!.map((time) => ({ loss: 0, costs: [time] }))),
    0,
  )
  if (latency!.rest + least > milliseconds) return undefined
  return choose({ ...options, targets: { ...options.targets, milliseconds } }, latency!.rest)
}

/** Undefined where no choice meets all budgets. */
function choose({ tensors, targets, latency, costs, ...options }: SearchOptions, rest: number): Choice | undefined {
  const budgets: number[] = []
  const costsOf: ((tensor: TensorLevels, level: number) => number)[] = []
  if (targets.milliseconds !== undefined) {
    budgets.push(targets.milliseconds - rest)
    costsOf.push(({ name }, level) => latency!.layers.get(name)![level])
  }
  if (targets.bytes !== undefined) {
    budgets.push(targets.bytes - options.otherBytes)
    costsOf.push((tensor, level) => bytesOf(tensor, level, options))
  }
  if (targets.flops !== undefined) {
    budgets.push(targets.flops * denseFlops(tensors, costs))
    costsOf.push(({ name, levels }, level) => levels[level].kept * costs.get(name)!)
  }
  const layers = tensors.map((tensor) => {
    const losses = options.losses?.get(tensor.name) ?? lossesOf(tensor)
    return losses.map((loss, level): Option => ({ loss, costs: costsOf.map((cost) => cost(tensor, level)) }))
  })
  const found = allocated(layers, budgets)
  if (!found) return undefined
  const { levels, loss } = found
  return {
    levels: new Map(tensors.map(({ name }, t) => [name, levels[t]])),
    sparsities: new Map(tensors.map((tensor, t) => [tensor.name, tensor.levels[levels[t]].sparsity])),
    loss,
  }
}

/** Undefined where the budgets cannot be met. */
function allocated(...given: Parameters<typeof allocate>): Allocation | undefined {
  try {
    return allocate(...given)
  } catch (error) {
    if (error instanceof UserError) return undefined
    throw error
  }
}

/** Bytes of a tensor as formats/sparse.ts stores it: all values, or a bit for each and the nonzeros. */
export const storedBytes = (size: number, kept: number): number => Math.min(4 * size, Math.ceil(size / 8) + 4 * kept)

const bytesOf = (
  { name, size, levels }: TensorLevels,
  level: number,
  { sizes }: Pick<SearchOptions, 'sizes'>,
): number => sizes?.get(name)?.[level] ?? storedBytes(size, levels[level].kept)

const denseFlops = (tensors: readonly TensorLevels[], costs: ReadonlyMap<string, number>): number =>
  tensors.reduce((sum, { name, size }) => sum + size * costs.get(name)!, 0)

const quickest = (latency: Latency, name: string): number => {
  const times = latency.layers.get(name)!
  return times.indexOf(Math.min(...times))
}

type Reachable = Pick<SearchOptions, 'tensors' | 'targets' | 'otherBytes' | 'sizes' | 'costs' | 'names'>

/** Bytes, and the share of multiply-adds, with every tensor at a level that is chosen by what it comes to. */
function extremes({ tensors, otherBytes, sizes, costs }: Reachable, of: (values: number[]) => number) {
  const sum = (value: (tensor: TensorLevels, level: number) => number) =>
    tensors.reduce((all, tensor) => all + of(tensor.levels.map((_, level) => value(tensor, level))), 0)
  return {
    bytes: otherBytes + sum((tensor, level) => bytesOf(tensor, level, { sizes })),
    flops: sum(({ name, levels }, level) => levels[level].kept * costs.get(name)!) / denseFlops(tensors, costs),
  }
}

/** Throws UserError where the dense network, which takes so many milliseconds, meets all targets. */
export function refuseIdle(options: Reachable & { latency?: Pick<Latency, 'dense'> }): void {
  const { targets, latency, names = OWN_NAMES } = options
  const dense = extremes(options, ([first]) => first)
  const reached = [
    targets.milliseconds === undefined || (latency !== undefined && latency.dense <= targets.milliseconds),
    targets.bytes === undefined || dense.bytes <= targets.bytes,
    targets.flops === undefined || dense.flops <= targets.flops,
  ]
  if (!reached.every(Boolean)) return
  const facts = [
    ...(targets.milliseconds === undefined ? [] : [`${latency!.dense.toPrecision(3)} ms`]),
    ...(targets.bytes === undefined ? [] : [`${kilobytes(dense.bytes)} kB`]),
    ...(targets.flops === undefined ? [] : [`${dense.flops.toPrecision(3)} of the multiply-adds`]),
  ]
  const given = givenTargets(targets).map((key) => names[key])
  throw new UserError(`${given.join(', ')}: there is nothing to do: the network takes ${facts.join(', ')} as it is`)
}

/**
 * Throws UserError where not even this share of what the sparsest levels take meets a target by itself, the
 * time aside.
 */
export function refuseImpossible(options: Reachable, leeway = 1): void {
  const { targets, names = OWN_NAMES } = options
  const sparsest = extremes(options, (values) => Math.min(...values))
  if (targets.bytes !== undefined && leeway * sparsest.bytes > targets.bytes)
    throw new UserError(
      `${names.bytes}: a size of ${kilobytes(targets.bytes)} kB cannot be met: with every tensor at its sparsest level the file takes ${kilobytes(sparsest.bytes)} kB`,
    )
  if (targets.flops !== undefined && leeway * sparsest.flops > targets.flops)
    throw new UserError(
      `${names.flops}: a share of ${targets.flops} of the multiply-adds cannot be met: the sparsest levels leave ${sparsest.flops.toPrecision(3)}`,
    )
}

const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(bytes < 100_000 ? 1 : 0)

/** The share of the multiply-adds that the sparsest levels leave. */
export function leastFlops({ tensors, costs }: Pick<SearchOptions, 'tensors' | 'costs'>): number {
  const sum = (kept: (tensor: SearchOptions['tensors'][number]) => number) =>
    tensors.reduce((all, tensor) => all + kept(tensor) * costs.get(tensor.name)!, 0)
  return sum(({ levels }) => Math.min(...levels.map(({ kept }) => kept))) / sum(({ size }) => size)
}
