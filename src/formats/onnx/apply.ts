/**
 * @file One node of an ONNX graph: computed at once, or translated, or refused by a sentence that names file
 * and node. What a node asks for and is not honoured is refused here, for all operators alike.
 */
import { ShapeError } from '../../graph/operator.ts'
import { UserError } from '../../util/errors.ts'
import type { OnnxFile } from './file.ts'
import { fold, isFolded } from './fold.ts'
import type { Operation } from './operation.ts'
import { translators } from './operators/index.ts'
import { inputsOf } from './operators/inputs.ts'
import { runFold } from './run-fold.ts'
import { Mixed, type Scope, Unsupported } from './scope.ts'
import { Known, Permuted, type Value } from './value.ts'

/**
 * The outputs of a node, those that are not computed here undefined. Throws Unsupported, whatever the reason.
 */
export const applyNode = (
  operation: Operation,
  inputs: readonly (Value | undefined)[],
  scope: Scope,
  file: OnnxFile,
): readonly (Value | undefined)[] => located(file.path, operation, () => apply(operation, inputs, scope, file))

function apply(operation: Operation, inputs: readonly (Value | undefined)[], scope: Scope, file: OnnxFile) {
  const { op, label } = operation
  if (!isFolded(op) && !Object.hasOwn(translators, op))
    throw new Unsupported(`${label}: the operator ${op} does not run here`)
  const most = inputsOf(op)
  if (inputs.slice(most).some((input) => input !== undefined))
    throw new Unsupported(`${label}: it has ${inputs.length} inputs, and only ${most} of ${op} are supported`)
  const outputs = fold(operation, inputs, scope, file.external) ?? translated(operation, inputs, scope)
  const [other] = operation.unasked
  if (other !== undefined) throw new Unsupported(`${label}: its attribute ${other} is not supported`)
  return outputs
}

function translated(operation: Operation, inputs: readonly (Value | undefined)[], scope: Scope) {
  const { op, label } = operation
  if (!Object.hasOwn(translators, op))
    throw new Unsupported(
      `${label}: the operator ${op} runs here of constants alone, expected no input that is computed`,
    )
  const known = inputs.filter((input) => input === undefined || input instanceof Known)
  if (known.length === inputs.length) return runFold(operation, known)
  const outputs = translators[op](operation, inputs, scope)
  for (const output of outputs) {
    if (output === undefined || output instanceof Known) continue
    const tensor = output instanceof Permuted ? output.of : output
    // A transposition that is yet to be done leaves the samples where they are.
    const apart = tensor.batched && tensor.shape[0] === scope.batch
    if (!apart && !scope.mayMix)
      throw new Mixed(
        `${label}: it mixes the samples of a batch, and the model is written for batches of ${scope.fixedBatch}`,
      )
  }
  return outputs
}

/** Errors name the file and the node. */
export function located<T>(path: string, { label, outputs }: Operation, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { message } = error as Error
    const known = error instanceof UserError || error instanceof ShapeError
    const said = known ? message : `an internal error (${message})`
    // A node inside of this one has named the file already.
    const whole = message.startsWith(path)
      ? message
      : `${path}: ${message.startsWith(label) ? message : `${label}: ${said}`}`
    const unsupported = new (error instanceof Mixed ? Mixed : Unsupported)(whole)
    unsupported.output = outputs[0]
    throw unsupported
  }
}
