/**
 * @file What a saliency is: a function from the network to a score per prunable weight. The higher, the more it is worth keeping.
 */
import type { Floats } from '../../engine/machine.ts'
import type { Random } from '../../util/random.ts'

/** A prunable tensor to be scored. */
export interface ScoredLayer {
  name: string
  /** Current values, row-major. Not to be changed. */
  weights: Floats
  /** Where the scores go, one per weight. Must be finite. */
  scores: Floats
}

export interface Saliency {
  /** One line: formula and paper. */
  summary: string
  /** `draw(name)`: a stream of random numbers for this event and that name. */
  score(layers: readonly ScoredLayer[], draw: (name: string) => Random): void
}
