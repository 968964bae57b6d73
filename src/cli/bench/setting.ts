/** @file What is compared under the same conditions. */
import type { ContenderSpec, Rival } from './contender.ts'

/** Who is compared: the engine of this package first. */
export interface Entrant {
  /** As tables call it. */
  name: string
  spec: ContenderSpec
  /** Computes with integers of 8 bits. */
  int8: boolean
}

/** Contenders with the same batch and as many threads. */
export interface Setting {
  batch: number
  threads: number
  against: Rival
  entrants: readonly Entrant[]
}
