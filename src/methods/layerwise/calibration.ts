/** @file Calibration: the products 2 X X' of the inputs of a network's layers over some images. */
import type { Samples } from '../../data/dataset.ts'
import { type Calibrated, type Calibration, LayerWalk, type WalkOptions } from './walk.ts'

/**
 * The products of the inputs of the named prunable tensors over `images` ([count, C, H, W], bytes or floats
 * as the data are), in the order of the names, with the network as it is for inference. A tensor that several
 * nodes share sums over them. Throws where no layer has such a weight.
 */
export function calibrate(
  network: Calibrated,
  names: readonly string[],
  images: Samples['images'],
  options?: WalkOptions,
): Calibration[] {
  const walk = new LayerWalk(network, names, images, options)
  try {
    return names.map((name) => {
      const { layer, grams } = walk.products(name)
      return { layer, grams: grams.map((gram) => gram.slice()) }
    })
  } finally {
    walk.close()
  }
}
