/** @file Weights of an ONNX model that pruning with data leaves as they are: no layer here holds them. */
import type { OnnxModel } from '../../formats/onnx/onnx.ts'
import { Unsupported } from '../../formats/onnx/scope.ts'
import { storedWeights } from '../../formats/onnx/weights.ts'
import type { Model } from '../../models/model.ts'
import { prunableTensors } from '../../sparsity/tensors.ts'

/** How many are named. */
const NAMED = 3

/** A sentence that names them; undefined where there are none. */
export function leftOutSentence(onnx: OnnxModel | undefined, model: Model): string | undefined {
  if (!onnx || onnx.network instanceof Unsupported) return undefined
  const { origins } = onnx.network
  const held = new Set(
    prunableTensors(model).flatMap(({ name }) => {
      const { source, roots = [] } = origins.get(name) ?? {}
      return [...(source ? [source.key] : []), ...roots.map(({ node, input }) => node.input[input])]
    }),
  )
  const left = storedWeights(onnx.file).weights.filter(({ key }) => !held.has(key))
  if (left.length === 0) return undefined
  const names = left.slice(0, NAMED).map(({ key, shape }) => `${key} [${shape.join(', ')}]`)
  const more = left.length > NAMED ? ` and ${left.length - NAMED} more` : ''
  return `not pruned with data, since no layer here multiplies with one matrix of them: ${names.join(', ')}${more}; --method magnitude and random without --data take them`
}
