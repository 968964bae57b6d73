/** @file MNIST for programs that train on it: a part of it for every change, all of it each night. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Split } from '../../src/data/dataset.ts'
import { loadMnist } from '../../src/data/mnist.ts'
import { temporaryFolder } from '../cli/temporary.ts'
import { idx, writeMnist } from '../data/idx-files.ts'
import { isFull } from './breadth.ts'

/** The environment of a program that finds MNIST, with 12,000 training and 2,000 test images. */
export function mnistEnvironment(): NodeJS.ProcessEnv {
  if (isFull) return process.env
  const { train, test, image } = loadMnist()
  const images = ({ images }: Split, count: number) =>
    idx([count, image[1], image[2]], images.subarray(0, count * image[1] * image[2]))
  const labels = ({ labels }: Split, count: number) => idx([count], labels.subarray(0, count))
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'mnist'))
  writeMnist(join(folder, 'mnist'), {
    'train-images-idx3-ubyte': images(train, 12_000),
    'train-labels-idx1-ubyte': labels(train, 12_000),
    't10k-images-idx3-ubyte': images(test, 2000),
    't10k-labels-idx1-ubyte': labels(test, 2000),
  })
  return { ...process.env, ESPALIER_DATA: folder }
}
