/** @file What goes together with a target, or has to stand beside it. */
import type { Method } from '../../methods/method.ts'
import { patternOf } from '../../sparsity/granularity/index.ts'
import { UserError } from '../../util/errors.ts'
import { AUTO, removesChannels } from './mask-keys.ts'
import type { Recipe } from './schema.ts'

/** What a target decides in the place of other keys, and what it has no use for. */
export function checkTarget(prune: NonNullable<Recipe['prune']>, method: Method, source: string): void {
  const { target, granularity } = prune
  const key = `${source}: prune.target`
  if (!target) {
    if (granularity === AUTO)
      throw new UserError(`${source}: prune.granularity: auto is how a prune.target divides, found none`)
    return
  }
  const { sparsities, beside = '' } = method
  const { ms, kb, flops, drop, runtime, threads, batch, stored, multipleOf } = target
  if ([ms, kb, flops, drop].every((one) => one === undefined))
    throw new UserError(`${key}: expected one of ms, kb, flops and drop, found none`)
  if (!sparsities)
    throw new UserError(`${key}: ${prune.method}${beside} knows one sparsity only, and cannot be told levels`)
  if (prune.sparsity > 0)
    throw new UserError(
      `${key}: decides how much is pruned, expected no prune.sparsity beside it, found ${prune.sparsity}`,
    )
  for (const other of ['sparsities', 'flops', 'initial', 'floor'] as const)
    if (prune[other] !== undefined) throw new UserError(`${key}: does not go with prune.${other}`)
  if (!['weight', 'block8', 'channel', AUTO].includes(granularity) && !patternOf(granularity))
    throw new UserError(
      `${key}: expected prune.granularity weight, channel, auto, block8 or N:M such as 2:4, found ${granularity}`,
    )
  if (flops === 1 && [ms, kb, drop].every((one) => one === undefined))
    throw new UserError(`${key}.flops: there is nothing to do: expected less than 1, found 1`)
  if (!removesChannels(prune)) {
    if (stored === 'dense')
      throw new UserError(
        `${key}.stored: a file of all values is no smaller for zeros: expected sparse or brotli, found dense`,
      )
    if (multipleOf !== undefined)
      throw new UserError(`${key}.multipleOf: expected prune.granularity channel or auto, found ${granularity}`)
    if (runtime === 'onnxruntime')
      throw new UserError(
        `${key}.runtime: onnxruntime multiplies with zeros, expected prune.granularity channel or auto, found ${granularity}`,
      )
  } else if (stored === 'sparse')
    throw new UserError(`${key}.stored: ONNX files hold all values, zeros too: expected dense or brotli, found sparse`)
  if (prune.scope !== 'global' && prune.scope !== 'layerwise')
    throw new UserError(
      `${key}: gives every tensor a sparsity, expected no prune.scope beside it, found ${prune.scope}`,
    )
  for (const [name, value] of Object.entries({ runtime, threads, batch }))
    if (value !== undefined && ms === undefined)
      throw new UserError(`${key}.${name}: is for prune.target.ms, found none`)
  if (stored !== undefined && kb === undefined) throw new UserError(`${key}.stored: is for prune.target.kb, found none`)
  if (runtime === 'wasm' && threads !== undefined && threads > 1)
    throw new UserError(`${key}.threads: expected 1 with runtime wasm, which has one thread, found ${threads}`)
}
