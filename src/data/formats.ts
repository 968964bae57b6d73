/**
 * @file The formats that a folder with a data set may have, and which one it has.
 */
import { type CifarFamily, cifar10, cifar100, isCifarFolder, loadCifar } from './cifar.ts'
import { isImageFolder } from './class-folders.ts'
import type { Dataset } from './dataset.ts'
import type { DecodeOptions } from './decode-images.ts'
import type { Geometry } from './geometry.ts'
import { loadImageFolder } from './image-folder.ts'
import { isIdxFolder, loadIdxFolder } from './mnist.ts'
import { isSvhnFolder, loadSvhn } from './svhn.ts'

export interface LoadOptions extends Geometry, DecodeOptions {
  /** The name of the constants that inputs are normalized with. Default: those of the data set. */
  normalization?: string
  /**
   * Whether training images are read as photographs: beside those of one size, or instead of these (`only`),
   * which then take no room. Only folders of image files have them. Default: no.
   */
  photographs?: 'beside' | 'only'
  /** The size and crop that are used where neither is given. Only folders of image files heed it. */
  usual?: Geometry
  /**
   * What the network takes: with 1, image files have to be gray. Default 3. Only folders of image files
   * heed it.
   */
  channels?: number
  /** Whether colours become gray where `channels` is 1. Default: they are refused. */
  gray?: boolean
}

export interface Format {
  /** The files that a person would look for in the folder, in words. */
  expects: string
  /** Whether image files are decoded, so that size, crop and skipCorrupt mean something. */
  decoded: boolean
  /** The name of the constants that are used where none are asked for. */
  normalization: string
  recognizes(folder: string): boolean
  load(folder: string, name: string, options: LoadOptions): Dataset | Promise<Dataset>
}

const cifar = (family: CifarFamily): Format => ({
  expects: `${family.test[0]} and its companions (CIFAR-${family.labels.at(-1)!.classes}, binary version)`,
  decoded: false,
  normalization: family.normalization,
  recognizes: (folder) => isCifarFolder(folder, family),
  load: (folder, name, { normalization }) => loadCifar(folder, name, family, normalization),
})

export const formats = {
  idx: {
    expects: "MNIST's four IDX files",
    decoded: false,
    normalization: 'mnist',
    recognizes: isIdxFolder,
    load: (folder, name, { normalization }) => loadIdxFolder(folder, name, normalization),
  },
  cifar10: cifar(cifar10),
  cifar100: cifar(cifar100),
  svhn: {
    expects: 'train_32x32.mat and test_32x32.mat (SVHN, cropped digits)',
    decoded: false,
    normalization: 'svhn',
    recognizes: isSvhnFolder,
    load: (folder, name, { normalization }) => loadSvhn(folder, name, normalization),
  },
  images: {
    expects: 'train/ and test/ (or val/) with a folder of images per class',
    decoded: true,
    normalization: 'imagenet',
    recognizes: isImageFolder,
    load: loadImageFolder,
  },
} satisfies Record<string, Format>

export type FormatName = keyof typeof formats
