/** @file ONNX models as networks with the data that calibrate and judge them. */
import type { SampleSet } from '../../data/dataset.ts'
import { chosen } from '../../data/split.ts'
import type { Machine } from '../../engine/machine.ts'
import type { OnnxFile } from '../../formats/onnx/file.ts'
import type { ImportOptions } from '../../formats/onnx/input.ts'
import { type OnnxModel, weightsOfModel } from '../../formats/onnx/onnx.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { loadWeights } from '../../train/checkpoint.ts'
import type { Remembered } from '../../train/measure-distance.ts'
import type { Metric } from '../../train/metric.ts'
import { Network } from '../../train/network.ts'
import { UserError } from '../../util/errors.ts'
import { random } from '../../util/random.ts'
import { type Measured, measured } from '../display/measured.ts'

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

/** Judges models by some data: what they tell right, or how far they are from the first one. */
export class Judge {
  readonly #machine: Machine
  readonly #data: SampleSet
  readonly #reading: ImportOptions
  readonly #metric?: Metric
  #dense?: Remembered

  constructor(machine: Machine, data: SampleSet, reading: ImportOptions, metric?: Metric) {
    this.#machine = machine
    this.#data = data
    this.#reading = reading
    this.#metric = metric
  }

  measure(file: OnnxFile): Measured {
    const { network } = openNetwork(this.#machine, file, this.#reading, this.#data)
    if (network.judgedByDistance) {
      if (this.#dense) network.rememberFrom(this.#dense)
      else {
        network.remember()
        this.#dense = network.remembered()
      }
    }
    return measured(network, this.#metric)
  }
}

/** Data for judging alone, by some training samples that are drawn by the seed. */
export function trainingJudges(data: SampleSet, most: number, seed: number): SampleSet {
  const { train } = data
  const order = random(seed, 'judges').permutation(train.count)
  const judges = chosen(
    train,
    [...order.subarray(0, most)].sort((a, b) => a - b),
    sizeOf(data.image),
  )
  return { ...data, train: judges, test: judges }
}

/** Data for judging alone, by the test samples: of others there is one. */
export const testJudges = (data: SampleSet): SampleSet => ({
  ...data,
  train: chosen(data.train, [0], sizeOf(data.image)),
})
