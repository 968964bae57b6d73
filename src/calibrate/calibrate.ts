/** @file Measures the kernels of a machine, and fits a table of costs to what they took. */
import { cpus } from 'node:os'
import {
  amountsOf,
  type Cost,
  type CostTable,
  kindOf,
  type LayerKind,
  layerKinds,
  type Pass,
  passes,
} from '../engine/cost.ts'
import { costsOf } from '../engine/costs/index.ts'
import type { Machine } from '../engine/machine.ts'
import { fitCost, type Observation } from './fit.ts'
import { calibrationLayers, type LayerShape, multiplyAddsOf } from './layers.ts'
import { type LayerTimes, measureLayer } from './measure.ts'

/** The shares of nonzeros that sparse kernels are measured at: around those where they begin to pay. */
const DENSITIES = [0.5, 0.2, 0.05]

/** Samples that fill vectors; also more of them where a layer is small, up to so many multiply-adds. */
const BATCHES = [16, 32, 64, 128]
const MOST_MULTIPLY_ADDS = 2.5e8

/** Layers of more multiply-adds than that are measured in forward passes alone: steps would take minutes. */
const MOST_OF_STEP = 6e7

export interface CalibrateOptions {
  /** The name of the table. */
  name: string
  /** Milliseconds of each layer on each kind of kernels. */
  milliseconds: number
  layers?: readonly LayerShape[]
  /** After each layer, with how many there are. */
  onLayer?(done: number, all: number): void
}

/** A layer of some samples in a pass. */
interface Case {
  pass: Pass
  shape: LayerShape
  batch: number
}

/** Measures every kind of layer and returns the table. The machine has one thread. */
export function calibrate(machine: Machine, options: CalibrateOptions): CostTable {
  const { name, milliseconds, layers = calibrationLayers, onLayer } = options
  const { lanes } = costsOf(machine)
  const cases = passes.flatMap((pass) => layers.flatMap((shape) => casesOf(pass, shape)))
  const measured = cases.map(({ pass, shape, batch }, i) => {
    const times = measureLayer(machine, shape, { pass, batch, densities: DENSITIES, milliseconds })
    onLayer?.(i + 1, cases.length)
    return { pass, kind: kindOf(times.cost, lanes), times }
  })
  const timesOf = (pass: Pass, kind: LayerKind) =>
    measured.filter((one) => one.pass === pass && one.kind === kind).map(({ times }) => times)
  return {
    name,
    lanes,
    date: new Date().toISOString(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    instructionSet: machine.instructionSet,
    threads: machine.threads,
    costs: recordOf(passes, (pass) => recordOf(layerKinds, (kind) => fitKind(timesOf(pass, kind)))),
  }
}

function casesOf(pass: Pass, shape: LayerShape): Case[] {
  const multiplyAdds = multiplyAddsOf(shape)
  if (pass === 'step' && multiplyAdds > MOST_OF_STEP) return []
  const most = BATCHES.filter((batch) => batch * multiplyAdds <= MOST_MULTIPLY_ADDS).at(-1) ?? BATCHES[0]
  return [...new Set([1, BATCHES[0], most])].map((batch) => ({ pass, shape, batch }))
}

/**
 * The constants of a kind of layers, of which there is at least one. Times near those of the other kernels
 * count most, since there the choice depends on them.
 */
function fitKind(times: readonly LayerTimes[]): Record<'dense' | 'sparse', Cost> {
  const dense = times.map(({ cost, dense, sparse }): Observation => {
    const weight = Math.max(...sparse.map(({ nanoseconds }) => nearness(dense / nanoseconds)))
    return { amounts: amountsOf(cost, 1), nanoseconds: dense, weight }
  })
  const sparse = times.flatMap(({ cost, dense, sparse }) =>
    sparse.map(({ density, nanoseconds }): Observation => {
      return { amounts: amountsOf(cost, density), nanoseconds, weight: nearness(dense / nanoseconds) }
    }),
  )
  return { dense: rounded(fitCost(dense)), sparse: rounded(fitCost(sparse)) }
}

/** 20 for equal times, a tenth of that where one is twice the other. */
const nearness = (ratio: number): number => 1 / (0.05 + Math.log(ratio) ** 2)

/** To three digits: more would say more than was measured. */
const rounded = (cost: Required<Cost>): Cost =>
  recordOf(['multiplyAdd', 'value', 'weight', 'call', 'error'], (key) => Number(cost[key].toPrecision(3)))

const recordOf = <Key extends string, Value>(keys: readonly Key[], of: (key: Key) => Value): Record<Key, Value> =>
  Object.fromEntries(keys.map((key) => [key, of(key)])) as Record<Key, Value>
