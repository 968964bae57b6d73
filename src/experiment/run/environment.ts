/**
 * @file Where a result comes from: versions and machine.
 */
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'
import { type CostsUsed, costsUsed } from '../../calibrate/cost-file.ts'
import type { Origin } from '../../data/dataset.ts'
import type { CostTable } from '../../engine/cost.ts'
import type { Machine } from '../../engine/machine.ts'
import { writeAtomically } from '../../util/files.ts'
import { version } from '../../util/version.ts'

export interface Environment {
  espalier: string
  node: string
  engine: string
  threads: number
  /** The table of costs that chooses kernels; absent from runs of before there were several. */
  costs?: CostsUsed
  processor: string
  processors: number
  memoryGiB: number
  system: string
  started: string
  /**
   * Bytes of memory that the process which ended the run held at most, data sets included; absent before the
   * end.
   */
  peakMemory?: number
  /** The SHA-256 of the file of weights that the recipe names, where it names one. */
  weights?: string
}

/** How pixels became inputs, and who said so. */
export interface Inputs {
  /** Per channel, of pixels scaled to 0..1. */
  mean: readonly number[]
  std: readonly number[]
  origin: Origin
}

/** `costs`: the table of a network, where it has one. */
export function describeEnvironment(machine: Machine, costs?: CostTable): Environment {
  return {
    espalier: version(),
    node: process.version,
    engine: machine.description,
    threads: machine.threads,
    ...(costs && { costs: costsUsed(costs) }),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    started: new Date().toISOString(),
  }
}

/**
 * The engine with its instruction set, such as `native avx2`, out of a machine's description: results are the
 * same to the bit where it is the same.
 */
export const instructionsOf = (description: string): string => description.split(',')[0]

/** Bytes of memory that this process has held at most. */
export const peakMemory = (): number => 1024 * process.resourceUsage().maxRSS

/**
 * Adds to the description that a run's beginning left how much memory its end had taken. One that is gone or
 * damaged stays so: the run is complete all the same.
 */
export function recordPeakMemory(path: string): void {
  let environment: Environment
  try {
    environment = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return
  }
  writeAtomically(path, environmentText({ ...environment, peakMemory: peakMemory() }))
}

/** A description as its file holds it. */
export const environmentText = (environment: Environment): string => `${JSON.stringify(environment, null, 2)}\n`

/**
 * Sentences where a run that `path` describes goes on with another engine or another table of costs: results
 * are the same to the bit on one engine and instruction set only, with one choice of kernels.
 */
export function otherEnvironment(path: string, machine: Machine, costs: CostTable): string[] {
  const then = environmentAt(path)
  const before = { engine: then.engine === undefined ? undefined : instructionsOf(String(then.engine)) }
  const now = { engine: instructionsOf(machine.description), costs: costsUsed(costs) }
  const may = 'its numbers may differ in their last bits from an uninterrupted run'
  const texts: string[] = []
  if (before.engine !== undefined && before.engine !== now.engine)
    texts.push(`this run began on ${before.engine} and goes on on ${now.engine}: ${may}`)
  const used = then.costs
  if (used && (used.name !== now.costs.name || used.digest !== now.costs.digest))
    texts.push(`this run began with the costs ${costsName(used)} and goes on with ${costsName(now.costs)}: ${may}`)
  return texts
}

const costsName = ({ name, digest }: CostsUsed): string => `${name} (${digest})`

/** What a run's beginning left; nothing of a file that is gone or damaged. */
function environmentAt(path: string): Partial<Environment> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return {}
  }
}
