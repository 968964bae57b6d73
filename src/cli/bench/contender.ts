/**
 * @file Contenders of `bench --against`: what each is told, asked and answers. Each has a process of its own.
 */
import type { EngineName } from '../../engine/machine.ts'
import type { ImageInput, ImportOptions } from '../../formats/onnx/input.ts'

/** Other engines, each in the package of that name but for the first, whose package is onnxruntime-node. */
export const rivals = ['onnxruntime', 'onnxruntime-web'] as const
export type Rival = (typeof rivals)[number]

/** Packages of the rivals, which are optional. */
export const packageOf = { onnxruntime: 'onnxruntime-node', 'onnxruntime-web': 'onnxruntime-web' } as const

interface Given {
  /** The file of the network. */
  path: string
  /** What the file is called in messages. */
  called: string
  batch: number
  threads: number
}

/** A network on an engine, and the batch that it is given. */
export type ContenderSpec =
  | (Given & { runtime: 'espalier'; engine?: EngineName; model?: string; costs?: string; reading: ImportOptions })
  | (Given & { runtime: Rival; input: Pick<ImageInput, 'image' | 'sample' | 'layout'>; beside: readonly string[] })

/** What a contender that was opened says of itself. */
export interface Opened {
  /** The engine with its version or instruction set. */
  description: string
  /** The first output for the batch, row-major. */
  output: Float32Array
  /** The share of zeros among prunable weights, where the engine counts them. */
  sparsity?: number
  /** Memory that its process took at most before it loaded anything: bytes. */
  before: number
}

/** `block`: runs in a row, see turns.ts. */
export type Request = { ask: 'open'; spec: ContenderSpec } | { ask: 'block' } | { ask: 'peak' }

/** `block`: milliseconds per run; `peak`: bytes that its process took at most. */
export type Answer = { opened: Opened } | { block: number } | { peak: number } | { problem: string }
