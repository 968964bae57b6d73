/**
 * @file Constants beside what is computed of samples: files that were written for a fixed number of samples
 * have as many rows of them.
 */
import { expand } from '../../../graph/operators/shape.ts'
import { sizeOf, type Tensor } from '../../../graph/tensor.ts'
import type { Operation } from '../operation.ts'
import { type Scope, Unsupported } from '../scope.ts'
import { Known, type Value } from '../value.ts'

/**
 * The one row that known numbers of `rank` axes repeat for every sample; undefined where their first axis
 * does not run over samples, or has another row for each of as many as there are.
 */
function rowOf(known: Known, rank: number, operation: Operation, { batch, fixedBatch }: Scope): Known | undefined {
  const [rows, ...rest] = known.shape
  if (rank === 0 || known.shape.length !== rank || (rows !== batch && rows !== fixedBatch)) return undefined
  const { values, type } = known
  const size = sizeOf(rest)
  for (let i = size; i < known.size; i++)
    if (!Object.is(values[i], values[i % size])) {
      if (rows === batch) return undefined
      throw new Unsupported(`${operation.label}: a constant has another row for each of ${rows} samples`)
    }
  return new Known([1, ...rest], () => Array.prototype.slice.call(values, 0, size), { type })
}

/**
 * Known numbers that are broadcast to results of `rank` axes: one row where there is one for each of the
 * samples that a file was written for.
 */
export function broadcastable<T extends Value | undefined>(
  value: T,
  rank: number,
  operation: Operation,
  scope: Scope,
): T | Known {
  if (!(value instanceof Known) || value.shape[0] === 1) return value
  return rowOf(value, rank, operation, scope) ?? value
}

/**
 * A tensor with one row per sample: constants of a file with a fixed number of samples are repeated for as
 * many as there are.
 */
export function perSample(value: Value | undefined, rank: number, operation: Operation, scope: Scope): Tensor {
  const row = value instanceof Known ? rowOf(value, rank, operation, scope) : undefined
  if (!row) return scope.tensor(value, operation)
  return expand(scope.graph, scope.constant(row), [scope.batch, ...row.shape.slice(1)], true)
}
