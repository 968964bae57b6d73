/**
 * @file Where a result comes from: versions and machine.
 */
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'
import type { Origin } from '../../data/dataset.ts'
import type { Machine } from '../../engine/machine.ts'
import { writeAtomically } from '../../util/files.ts'
import { version } from '../../util/version.ts'

export interface Environment {
  espalier: string
  node: string
  engine: string
  threads: number
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

export function describeEnvironment(machine: Machine): Environment {
  return {
    espalier: version(),
    node: process.version,
    engine: machine.description,
    threads: machine.threads,
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
 * A sentence where a run that `path` describes goes on with another engine: results are the same to the bit
 * on one engine and instruction set only.
 */
export function otherEngine(path: string, machine: Machine): string | undefined {
  const now = instructionsOf(machine.description)
  let then = now
  try {
    then = instructionsOf(String(JSON.parse(readFileSync(path, 'utf8')).engine))
  } catch {}
  if (then === now) return undefined
  return `this run began on ${then} and goes on on ${now}: its numbers may differ in their last bits from an uninterrupted run`
}
