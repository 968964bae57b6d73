/**
 * @file A prunable layer of a network, whose mask and scores are views that are good whenever they are asked
 * for.
 */
import type { Executable } from '../engine/compile.ts'
import type { Floats } from '../engine/machine.ts'
import type { Shape } from '../graph/tensor.ts'
import type { MaskedLayer } from '../sparsity/mask.ts'

/**
 * Views are taken anew where a program has run since, as a selection does, and kept otherwise. What is spread
 * into another object are those of that moment.
 */
export function liveLayer(
  { name, shape }: { name: string; shape: Shape },
  executable: () => Executable,
  views: { mask(): Floats; scores(): Floats },
): MaskedLayer {
  const live = (take: () => Floats) => {
    let seen: { executable: Executable; ran: number; view: Floats } | undefined
    return () => {
      const now = executable()
      if (seen?.executable !== now || seen.ran !== now.ran) seen = { executable: now, ran: now.ran, view: take() }
      return seen.view
    }
  }
  const [mask, scores] = [live(views.mask), live(views.scores)]
  return {
    name,
    shape,
    get mask() {
      return mask()
    },
    get scores() {
      return scores()
    },
  }
}
