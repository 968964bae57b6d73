/** @file Which weights of an ONNX file are pruned: by patterns of their keys. */
import type { StoredWeight, StoredWeights, Untouched } from '../../formats/onnx/weights.ts'
import { fits } from '../../sparsity/tensors.ts'
import { UserError } from '../../util/errors.ts'
import { suggestion } from '../../util/suggest.ts'
import { patterns } from '../flags/choices.ts'

/** How many names a message lists at most. */
const NEAREST = 5

/**
 * The weights to be pruned, and all that is not, with the reason. Throws UserError where the file has no
 * weights, where a pattern fits none of them, and where nothing is left.
 */
export function chooseWeights(
  { weights, untouched }: StoredWeights,
  flags: { include?: string; exclude?: string },
  path: string,
): { chosen: StoredWeight[]; untouched: Untouched[] } {
  if (weights.length === 0) {
    const [first] = untouched
    const why = first ? ` (${first.key}: ${first.reason}${untouched.length > 1 ? '; inspect lists all' : ''})` : ''
    throw new UserError(`${path} has no stored weights of layers${why}`)
  }
  const matching = (flag: string, text: string) => {
    const list = patterns(text)!
    for (const pattern of list) {
      if (weights.some(({ key }) => fits(key, pattern))) continue
      const other = untouched.find(({ key }) => fits(key, pattern))
      throw new UserError(
        other
          ? `${flag}: ${other.key} is no weight that is pruned (${other.reason})`
          : `${flag}: no prunable tensor is named ${pattern}${suggestion(
              pattern,
              weights.map(({ key }) => key),
              NEAREST,
            )}`,
      )
    }
    return (key: string) => list.some((pattern) => fits(key, pattern))
  }
  const within = matching('--include', flags.include ?? '*')
  const without = flags.exclude === undefined ? () => false : matching('--exclude', flags.exclude)
  const chosen = weights.filter(({ key }) => within(key) && !without(key))
  if (chosen.length === 0) throw new UserError(`--exclude ${flags.exclude} leaves no weight of ${path} to prune`)
  const left = weights
    .filter((weight) => !chosen.includes(weight))
    .map(({ key, shape }) => ({ key, shape, reason: within(key) ? 'left out by --exclude' : 'not among --include' }))
  return { chosen, untouched: [...left, ...untouched] }
}
