/**
 * @file espalier/data: data sets, how they are read, normalized and augmented.
 *
 *     const data = await loadDataset('cifar10')
 *     const shifted = findAugmentation('crop-flip')
 */
export { type Augmentation, augmentations, drawAugmentation, findAugmentation } from './data/augment.ts'
export { type Dataset, holdOut, type Normalization, type SampleSet, type Samples, type Split } from './data/dataset.ts'
export type { LoadOptions } from './data/formats.ts'
export { type GetOptions, getDataset } from './data/get.ts'
export { datasets, loadDataset } from './data/index.ts'
export { loadSamples, type SampleOptions, type SampleTaker } from './data/load-samples.ts'
export { loadMnist } from './data/mnist.ts'
export { findNormalization, normalizations } from './data/normalization.ts'
export type { DataProgress } from './data/progress.ts'
export { type SyntheticOptions, synthetic } from './data/synthetic.ts'
export { UserError } from './util/errors.ts'
