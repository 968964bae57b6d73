/** @file An ONNX model as a network with data. */
import type { SampleSet } from '../data/dataset.ts'
import type { Machine } from '../engine/machine.ts'
import type { OnnxFile } from '../formats/onnx/file.ts'
import type { ImportOptions } from '../formats/onnx/input.ts'
import { type OnnxModel, weightsOfModel } from '../formats/onnx/onnx.ts'
import { loadWeights } from '../train/checkpoint.ts'
import { Network } from '../train/network.ts'
import { UserError } from '../util/errors.ts'

export interface OpenedNetwork {
  onnx: OnnxModel
  read: Exclude<OnnxModel['network'], UserError>
  network: Network
}

/** A model on a machine. Throws UserError where it does not run here. */
export function openNetwork(machine: Machine, file: OnnxFile, reading: ImportOptions, data: SampleSet): OpenedNetwork {
  const weights = weightsOfModel(file, reading)
  const read = weights.onnx.network
  if (read instanceof UserError) throw read
  const network = new Network({ machine, model: read.model, data })
  loadWeights(network, weights, file.path)
  return { onnx: weights.onnx, read, network }
}
