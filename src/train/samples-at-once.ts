/** @file Of how many samples a network computes gradients at once, so that they and activations have room. */
import { sizeOf } from '../graph/tensor.ts'
import { graphOf, type Model } from '../models/model.ts'
import { batchTaken } from './batch-limit.ts'

/** Bytes for what the network computes on the way to the gradients. */
const ACTIVATIONS = 2 ** 30

/** Most samples at once. */
const MOST = 100

/**
 * As many as have room for the values of the forward pass and for so many floats of gradients that are kept
 * of each, and as kernels take; one of a network that takes its samples one by one.
 */
export function samplesAtOnce(model: Model, gradients = 0): number {
  if (model.oneByOne) return 1
  const values = graphOf(model)
    .nodes.flatMap(({ outputs }) => outputs)
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  return batchTaken(model, Math.max(1, Math.min(MOST, Math.floor(ACTIVATIONS / 4 / (values + gradients)))))
}
