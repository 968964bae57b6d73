/**
 * @file Whether pruning by value has emptied layers of an ONNX model or, where that runs here, left no path
 * from its input to its output.
 */
import { openModel } from '../../formats/onnx/file.ts'
import { importOnnx, type OnnxNetwork } from '../../formats/onnx/network.ts'
import type { OnnxModel } from '../../formats/onnx/onnx.ts'
import { withTensors } from '../../formats/onnx/rewrite.ts'
import { toFloats } from '../../formats/safetensors-bytes.ts'
import { sizeOf } from '../../graph/tensor.ts'
import type { Connectivity } from '../../sparsity/collapse.ts'
import { reachOf } from '../../sparsity/reachability.ts'
import { prunableTensors } from '../../sparsity/tensors.ts'
import { UserError } from '../../util/errors.ts'
import type { PrunedWeights } from './prune-onnx.ts'

/** What pruning has done to a model, of which nothing is said that was so before. */
export function collapseOf(pruned: PrunedWeights, model: OnnxModel): Connectivity {
  const { tensors, emptied } = pruned
  const layers = tensors.map(({ name, size, kept }) => ({ name, size, kept, effective: kept }))
  const collapsed = emptied.map((name) => ({ name, size: 0, kept: 0, effective: 0 }))
  return { layers, collapsed, ...newlyDead(pruned, model) }
}

/** Outputs to which no path leads any more; none of one, where the model does not run here. */
function newlyDead(
  { changes }: PrunedWeights,
  { file, network, reading }: OnnxModel,
): Pick<Connectivity, 'deadOutputs' | 'outputs'> {
  const none = { deadOutputs: 0, outputs: 1 }
  if (network instanceof UserError) return none
  const after = importOnnx(openModel(withTensors(file, changes), file.path), reading)
  const found = deadOutputsOf(after)
  return found.deadOutputs > 0 && found.deadOutputs > deadOutputsOf(network).deadOutputs ? found : none
}

function deadOutputsOf({ model, tensors }: OnnxNetwork): Pick<Connectivity, 'deadOutputs' | 'outputs'> {
  const weights = prunableTensors(model)
  const masks = new Map(weights.map(({ name }) => [name, toFloats(tensors.get(name)!)] as const))
  // Where every channel of every layer has a weight, every channel is reached; that is quickly told, and most
  // often so.
  if (weights.every(({ name, shape }) => everyRowHasSome(masks.get(name)!, sizeOf(shape.slice(1)))))
    return { deadOutputs: 0, outputs: model.classes }
  const { outputs } = reachOf(model, masks)
  return { deadOutputs: outputs.filter((reached) => !reached).length, outputs: outputs.length }
}

function everyRowHasSome(values: Float32Array, row: number): boolean {
  for (let from = 0; from < values.length; from += row)
    if (values.subarray(from, from + row).every((value) => value === 0)) return false
  return true
}
