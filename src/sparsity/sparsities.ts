/**
 * @file Sparsities of single tensors: by kind (conv, linear) or by name, where one sparsity for all is not
 * what is wanted.
 */
import { sizeOf, type Tensor } from '../graph/tensor.ts'
import { UserError } from '../util/errors.ts'
import { suggestion } from '../util/suggest.ts'
import { keptCount } from './count.ts'
import type { Scope } from './scope.ts'
import { fits } from './tensors.ts'

const kinds = {
  conv: ({ shape }: Tensor) => shape.length === 4,
  linear: ({ shape }: Tensor) => shape.length === 2,
}

/**
 * The final sparsity of every tensor: `others` by kind (`conv`, `linear`) or by a pattern of names, `*` for
 * any characters, of which the last that fits counts; where none fits, `sparsity`. Throws UserError where a
 * key fits no tensor; `what` is what it calls the key.
 */
export function sparsitiesOf(
  tensors: readonly Tensor[],
  sparsity: number,
  others: Readonly<Record<string, number>>,
  what: string,
): Map<string, number> {
  const found = new Map(tensors.map(({ name }) => [name, sparsity]))
  for (const [key, other] of Object.entries(others)) {
    const kind = Object.hasOwn(kinds, key) ? kinds[key as keyof typeof kinds] : undefined
    const those = tensors.filter(kind ?? (({ name }) => fits(name, key)))
    if (those.length === 0) {
      const names = [...Object.keys(kinds), ...found.keys()]
      throw new UserError(
        `${what}: no prunable tensor is ${kind ? 'of the kind' : 'named'} ${key}${suggestion(key, names)}`,
      )
    }
    for (const { name } of those) found.set(name, other)
  }
  return found
}

/** Every tensor competes with itself alone, at a sparsity of its own. */
export const tensorwise = (sparsityOf: (name: string) => number): Scope => ({
  summary: 'a sparsity for every tensor',
  groups: (layers, _, count = keptCount) =>
    layers.map((layer) => ({ layers: [layer], keep: count(sizeOf(layer.shape), sparsityOf(layer.name)) })),
  isDense: (name) => sparsityOf(name) === 0,
})
