/** @file What the page that prunes and its worker say to each other. */
import type { Asked } from '../work/asked.ts'
import type { AskedPicture, Guesses } from '../work/classify.ts'
import type { Drawing } from '../work/drawing.ts'
import type { Format } from '../work/opened.ts'
import type { Outcome } from '../work/prune.ts'
import type { SampleKind } from '../work/samples.ts'
import type { AskedSensitivity, Sensitivity } from '../work/sensitivity.ts'
import type { Histogram, MaskPicture } from '../work/tensor.ts'

/** A network that was opened. */
export interface Facts {
  name: string
  summary: string
  /** Whether it runs here, and if not why. */
  runs: boolean
  reason?: string
  /** Built-in networks that it may be. */
  candidates?: string[]
  note?: string
  /** [C, H, W] of a sample. */
  sample?: readonly number[]
  formats: Format[]
  samples: SampleKind[]
  /** Of images whose file says nothing of mean and deviation: the name of those that are a guess. */
  guessed?: string
  /** Why nothing is told of pictures, a sentence; absent where it is. */
  noPictures?: string
  /** Whether it tells the digits that lie beside the page. */
  digits: boolean
  drawing?: Drawing
  tensors: TensorRow[]
}

export interface TensorRow {
  name: string
  shape: readonly number[]
  size: number
  zeros: number
}

export interface TensorFacts {
  name: string
  shape: readonly number[]
  before: Histogram
  /** Absent: nothing is pruned yet. */
  after?: Histogram
  mask: MaskPicture
}

/** What can be asked, and what is answered. */
export interface Asks {
  /** `network`: of a file that does not say it. */
  open: { ask: { name: string; bytes: Uint8Array; network?: string }; answer: Facts }
  tensor: { ask: { name: string }; answer: TensorFacts }
  prune: { ask: { asked: Asked }; answer: Outcome }
  sensitivity: { ask: { asked: AskedSensitivity }; answer: Sensitivity }
  /** What the dense network, and the pruned one where there is one, make of a picture. */
  guess: { ask: { asked: AskedPicture }; answer: Guesses }
  file: { ask: { format: Format }; answer: Uint8Array<ArrayBuffer> }
}

export interface Request {
  id: number
  ask: { [What in keyof Asks]: { what: What } & Asks[What]['ask'] }[keyof Asks]
}

export type Answer =
  | { id: number; result: unknown }
  | { id: number; error: string }
  /** On the way: what is done, how much of all is done, and seconds that are left, where they are known. */
  | { id: number; text: string; share: number; left?: number }
