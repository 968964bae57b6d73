/** @file What reads each stored tensor of a model: layers, and everything else. */
import type { AnyTensor, Place } from '../places.ts'
import type { Source } from './flow.ts'

/** A layer that multiplies with a stored tensor. */
export interface LayerUse {
  /** The node, and its input: one for all ways into the same input. */
  layer: string
  source: Source
}

/** What reads a stored tensor beside layers. */
export interface OtherUse {
  reason: string
  /** Whether zeros may not be put into a tensor that is read so. */
  keeps: boolean
}

export interface Uses {
  place: Place
  layers: LayerUse[]
  others: OtherUse[]
  /** Where whole numbers are made floats. */
  dequantized: Source[]
}

export class UsesOfAll {
  readonly #uses: Map<AnyTensor, Uses>

  constructor(places: readonly Place[]) {
    this.#uses = new Map(
      places.map((place) => [place.tensor, { place, layers: [], others: [], dequantized: [] }] as const),
    )
  }

  all(): Uses[] {
    return [...this.#uses.values()]
  }

  /** The place of a tensor of the model, which must be the same object. */
  placeOf(tensor: AnyTensor): Place | undefined {
    return this.#uses.get(tensor)?.place
  }

  layer(sources: readonly Source[], layer: string): void {
    for (const source of sources) this.#uses.get(source.place.tensor)?.layers.push({ layer, source })
  }

  dequantized(sources: readonly Source[]): void {
    for (const source of sources) this.#uses.get(source.place.tensor)?.dequantized.push(source)
  }

  other(sources: readonly Source[], reason: string, keeps = true): void {
    for (const { place } of sources) this.#uses.get(place.tensor)?.others.push({ reason, keeps })
  }
}
