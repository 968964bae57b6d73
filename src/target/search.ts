/**
 * @file From targets to a level for every tensor: the least sum of losses within a time, a size and a share
 * of multiply-adds. The time is that of the network as a whole, measured, and the budget corrected until it
 * is met.
 */
import { UserError } from '../util/errors.ts'
import { allocate, cheapest, type Option } from './allocate.ts'
import type { Latency } from './latency.ts'
import { lossesOf, type TensorLevels } from './tensor-levels.ts'

/** What may not be exceeded; one or more of them. */
export interface Targets {
  /** Milliseconds of a batch. */
  milliseconds?: number
  /** Bytes of the file as it is stored, sparse where that is smaller. */
  bytes?: number
  /** Share of the prunable tensors' dense multiply-adds, above 0 to 1. */
  flops?: number
}

export interface SearchOptions {
  tensors: readonly TensorLevels[]
  targets: Targets
  /** Where there is a target of time: what layers take, and what a choice of levels takes as a whole. */
  latency?: Latency
  time?(levels: ReadonlyMap<string, number>): number
  /** Bytes of everything in the file that is no prunable tensor. */
  otherBytes: number
  /** Multiply-adds of one weight, by tensor. */
  costs: ReadonlyMap<string, number>
}

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
 * The choice that meets all targets with the least loss. Throws UserError, which says what can be had, where
 * one cannot be met, and where the dense network meets all.
 */
export function search(options: SearchOptions): Choice {
  const { targets, latency, time } = options
  refuseIdle(options)
  if (targets.milliseconds === undefined || !latency || !time) return choose(options, latency?.rest ?? 0)
  let best: Choice | undefined
  let budget = targets.milliseconds
  let [below, above] = [0, Number.POSITIVE_INFINITY]
  for (let round = 0; round < CORRECTIONS; round++) {
    const choice = attempt(options, budget)
    const milliseconds = choice ? time(choice.levels) : 0
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
  const fastest = time(new Map(options.tensors.map(({ name }) => [name, quickest(latency, name)])))
  throw new UserError(
    `a time of ${targets.milliseconds} ms cannot be met: with every tensor at its fastest level the network takes ${fastest.toPrecision(3)} ms`,
  )
}

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

function choose({ tensors, targets, latency, otherBytes, costs }: SearchOptions, rest: number): Choice {
  const budgets: number[] = []
  const costsOf: ((tensor: TensorLevels, level: number) => number)[] = []
  if (targets.milliseconds !== undefined) {
    budgets.push(targets.milliseconds - rest)
    costsOf.push(({ name }, level) => latency!.layers.get(name)![level])
  }
  if (targets.bytes !== undefined) {
    budgets.push(targets.bytes - otherBytes)
    costsOf.push(({ size, levels }, level) => storedBytes(size, levels[level].kept))
  }
  if (targets.flops !== undefined) {
    budgets.push(targets.flops * denseFlops(tensors, costs))
    costsOf.push(({ name, levels }, level) => levels[level].kept * costs.get(name)!)
  }
  const layers = tensors.map((tensor) => {
    const losses = lossesOf(tensor)
    return losses.map((loss, level): Option => ({ loss, costs: costsOf.map((cost) => cost(tensor, level)) }))
  })
  const { levels, loss } = allocate(layers, budgets)
  return {
    levels: new Map(tensors.map(({ name }, t) => [name, levels[t]])),
    sparsities: new Map(tensors.map((tensor, t) => [tensor.name, tensor.levels[levels[t]].sparsity])),
    loss,
  }
}

/** Bytes of a tensor as formats/sparse.ts stores it: all values, or a bit for each and the nonzeros. */
export const storedBytes = (size: number, kept: number): number => Math.min(4 * size, Math.ceil(size / 8) + 4 * kept)

const denseFlops = (tensors: readonly TensorLevels[], costs: ReadonlyMap<string, number>): number =>
  tensors.reduce((sum, { name, size }) => sum + size * costs.get(name)!, 0)

const quickest = (latency: Latency, name: string): number => {
  const times = latency.layers.get(name)!
  return times.indexOf(Math.min(...times))
}

/** Throws UserError where the dense network meets all targets, or none of the levels meets one by itself. */
function refuseIdle({ tensors, targets, latency, otherBytes, costs }: SearchOptions): void {
  const [dense, sparsest] = [0, -1].map((at) => {
    const kept = tensors.map(({ name, size, levels }) => ({ name, size, kept: levels.at(at)!.kept }))
    return {
      bytes: kept.reduce((sum, one) => sum + storedBytes(one.size, one.kept), otherBytes),
      flops: kept.reduce((sum, one) => sum + one.kept * costs.get(one.name)!, 0) / denseFlops(tensors, costs),
    }
  })
  const reached = [
    targets.milliseconds === undefined || (latency !== undefined && latency.dense <= targets.milliseconds),
    targets.bytes === undefined || dense.bytes <= targets.bytes,
    targets.flops === undefined || dense.flops <= targets.flops,
  ]
  if (reached.every(Boolean)) {
    const facts = [
      ...(targets.milliseconds === undefined ? [] : [`${latency!.dense.toPrecision(3)} ms`]),
      ...(targets.bytes === undefined ? [] : [`${kilobytes(dense.bytes)} kB`]),
      ...(targets.flops === undefined ? [] : [`${dense.flops.toPrecision(3)} of the multiply-adds`]),
    ]
    throw new UserError(`there is nothing to do: the network takes ${facts.join(', ')} as it is`)
  }
  if (targets.bytes !== undefined && sparsest.bytes > targets.bytes)
    throw new UserError(
      `a size of ${kilobytes(targets.bytes)} kB cannot be met: with every tensor at its sparsest level the file takes ${kilobytes(sparsest.bytes)} kB`,
    )
  if (targets.flops !== undefined && sparsest.flops > targets.flops)
    throw new UserError(
      `a share of ${targets.flops} of the multiply-adds cannot be met: the sparsest levels leave ${sparsest.flops.toPrecision(3)}`,
    )
}

const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(bytes < 100_000 ? 1 : 0)

/** The share of the multiply-adds that the sparsest levels leave. */
export function leastFlops({ tensors, costs }: Pick<SearchOptions, 'tensors' | 'costs'>): number {
  const sum = (kept: (tensor: SearchOptions['tensors'][number]) => number) =>
    tensors.reduce((all, tensor) => all + kept(tensor) * costs.get(tensor.name)!, 0)
  return sum(({ levels }) => Math.min(...levels.map(({ kept }) => kept))) / sum(({ size }) => size)
}
