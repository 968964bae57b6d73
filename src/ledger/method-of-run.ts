/**
 * @file What a row calls the method of a run: how it got its zeros, and what its training had to do with it.
 */
import type { Recipe } from '../experiment/recipe/recipe.ts'
import { methodOf } from '../report/groups.ts'

/**
 * `magnitude`, or with what goes beside it: `magnitude, cubic`, `magnitude, alternating` (AC/DC), `random,
 * rigl`, `random, sign-in`; `gsm` and `tied` stand alone. A budget of multiply-adds and a granularity are
 * named as records name theirs.
 */
export function methodOfRun(recipe: Recipe): string {
  const { prune, tie, rewire, train } = recipe
  const granularity = (prune ?? tie)?.granularity ?? 'weight'
  return [
    methodOf({ ...recipe, rewire: undefined }),
    prune && prune.schedule !== 'one-shot' ? prune.schedule : '',
    rewire?.method,
    train.signIn && 'sign-in',
    granularity !== 'weight' && `granularity ${granularity}`,
    prune?.flops !== undefined && `flops ${prune.flops}`,
  ]
    .filter(Boolean)
    .join(', ')
}
