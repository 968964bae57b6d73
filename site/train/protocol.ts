/** @file What the page that trains and its worker say to each other. */
import type { AskedTraining } from '../work/train.ts'

/** Training begins; what is sent while it runs stops it. */
export type Order = { what: 'start'; asked: AskedTraining } | { what: 'stop' }

/** How training goes, some times a second. */
export interface Moment {
  step: number
  steps: number
  /** The mean over the epoch so far. */
  loss: number
  sparsity: number
  samplesPerSecond: number
  /** Weights of the first hidden units, [units, 28 x 28]. */
  weights: Float32Array
}

export type News =
  | { what: 'moment'; moment: Moment }
  | { what: 'epoch'; step: number; accuracy: number }
  | {
      what: 'end'
      /** Steps that were taken, of how many. */
      step: number
      steps: number
      method: AskedTraining['method']
      /** As of a moment, of the network as it is kept. */
      weights: Float32Array
      accuracy: number
      sparsity: number
      seconds: number
      stopped: boolean
      file: Uint8Array<ArrayBuffer>
    }
  | { what: 'error'; message: string }
