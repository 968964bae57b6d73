/** @file What a record and a complete run have in common: one measured network. */
import type { Figure } from './published.ts'

/**
 * Pruned after its training, without epochs; trained here; or a file of weights that was scored as it is,
 * however it was made. Entries of different kinds never share a row or a table.
 */
export const kinds = ['pruned', 'trained', 'scored'] as const
export type Kind = (typeof kinds)[number]

export interface Entry {
  /** Its file or folder. */
  path: string
  network: string
  data: string
  /** How its weights came about: see {@link Kind}. */
  kind: Kind
  /** What was pruned after its training; absent where it was trained here, or not known. */
  checkpoint?: { sha256: string; name?: string; data?: string }
  method: string
  /** What was asked for beside method and sparsity, as words, such as `polish 0`. */
  options: readonly string[]
  /** How inputs were made of images, such as `mean` and `0.1307`; empty where it is among the options. */
  inputs: ReadonlyMap<string, string>
  /** All settings, by which entries with the same options are told apart. */
  settings: ReadonlyMap<string, string>
  /** Says all but the seed: entries with the same one are a row. */
  identity: string
  seed: number
  /** The share of zeros asked for; 0 of a dense network. */
  sparsity: number
  /** Epochs of training that led to it here; 0 of networks pruned after their training. */
  epochs: number
  size: number
  kept: number
  /** Right on the test set, in percent, and before pruning. */
  accuracy: number
  dense?: number
  gradients?: number
  images?: number
  /** Engine and instruction set. */
  instructions?: string
  /** Absent of weights that were scored as they are. */
  seconds?: number
  processorSeconds?: number
  peakMemory?: number
  espalier?: string
  /** Two entries of a row and seed are the same measurement where this is the same. */
  outcome: string
  /** Of a record: what verifications name. */
  digest?: string
  /** What was published of it. */
  published: readonly Figure[]
}
