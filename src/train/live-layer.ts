/**
 * @file A prunable layer of a network, whose mask and scores are views that are good whenever they are asked
 * for.
 */
import type { Executable } from '../engine/compile.ts'
import type { Floats } from '../engine/machine.ts'
import type { Shape } from '../graph/tensor.ts'
import type { MaskedLayer } from '../sparsity/mask.ts'

type Part = 'mask' | 'scores'

interface Seen {
  executable: Executable
  runs: number
  view: Floats
}

/** Views are taken anew where a program has run since, as a selection does, and kept otherwise. */
export class LiveLayer implements MaskedLayer {
  readonly name: string
  readonly shape: Shape
  readonly #executable: () => Executable
  readonly #viewOf: (part: Part) => Floats
  readonly #seen = new Map<Part, Seen>()

  constructor(
    { name, shape }: { name: string; shape: Shape },
    executable: () => Executable,
    viewOf: (part: Part) => Floats,
  ) {
    this.name = name
    this.shape = shape
    this.#executable = executable
    this.#viewOf = viewOf
  }

  get mask(): Floats {
    return this.#view('mask')
  }

  get scores(): Floats {
    return this.#view('scores')
  }

  #view(part: Part): Floats {
    const executable = this.#executable()
    const seen = this.#seen.get(part)
    if (seen?.executable === executable && seen.runs === executable.ran) return seen.view
    const view = this.#viewOf(part)
    this.#seen.set(part, { executable, runs: executable.ran, view })
    return view
  }
}
