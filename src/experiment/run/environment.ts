/**
 * @file Where a result comes from: versions and machine.
 */
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, release, totalmem } from 'node:os'
import type { Origin } from '../../data/dataset.ts'
import type { Machine } from '../../engine/machine.ts'
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
 * A sentence where a run that `path` describes goes on with another engine: results are the same to the bit
 * on one engine and instruction set only.
 */
export function otherEngine(path: string, machine: Machine): string | undefined {
  const kind = (description: unknown) => String(description).split(',')[0]
  const now = kind(machine.description)
  let then = now
  try {
    then = kind(JSON.parse(readFileSync(path, 'utf8')).engine)
  } catch {}
  if (then === now) return undefined
  return `this run began on ${then} and goes on on ${now}: its numbers may differ in their last bits from an uninterrupted run`
}
