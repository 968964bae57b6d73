/** @file ONNX models as networks with the data that calibrate and judge them. */
import type { SampleSet } from '../../data/dataset.ts'
import { chosen } from '../../data/split.ts'
import type { Machine } from '../../engine/machine.ts'
import type { OnnxFile } from '../../formats/onnx/file.ts'
import type { ImportOptions } from '../../formats/onnx/input.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { openNetwork } from '../../quantize/network.ts'
import type { Remembered } from '../../train/measure-distance.ts'
import type { Metric } from '../../train/metric.ts'
import { random } from '../../util/random.ts'
import { type Measured, measured } from '../display/measured.ts'

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

/**
 * Data for judging alone, by training samples that are drawn by the seed: others than calibrate, where
 * they suffice.
 */
export function trainingJudges(data: SampleSet, most: number, seed: number): SampleSet {
  const { train } = data
  const order = random(seed, 'calibration images').permutation(train.count).reverse()
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
