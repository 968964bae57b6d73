/**
 * @file The files that contenders of `bench --against` are given, and the shape of the images that they take.
 */
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeNetwork } from '../../formats/network-file.ts'
import { besideOf } from '../../formats/onnx/beside.ts'
import { externalFiles } from '../../formats/onnx/external-files.ts'
import { type OnnxFile, parseOnnx } from '../../formats/onnx/file.ts'
import { type ImageInput, type ImportOptions, inputOf } from '../../formats/onnx/input.ts'
import type { WeightsFile } from '../../formats/weights-file.ts'
import type { Model } from '../../models/model.ts'
import { UserError } from '../../util/errors.ts'
import { readBytes } from '../../util/files.ts'
import { namedNetwork } from '../flags/named-network.ts'

/** An ONNX file that a runtime is given. */
export interface GivenOnnx {
  path: string
  /** What messages call it. */
  called: string
  /** With the files beside it. */
  bytes: number
  /** Files of values beside it, by their paths from its folder. */
  beside: readonly string[]
  file: OnnxFile
  input: ImageInput
}

function given(path: string, called: string, file: OnnxFile, reading: ImportOptions): GivenOnnx {
  const beside = besideOf(file)
  const bytes = [path, ...beside.map((name) => join(dirname(path), name))].reduce(
    (sum, one) => sum + statSync(one).size,
    0,
  )
  return { path, called, bytes, beside, file, input: inputOf(file, reading) }
}

/**
 * The network of a file, and the ONNX file that other runtimes are given: the file itself where it is one,
 * else one that is written into `folder`. Throws UserError where the network does not run here.
 */
export async function networkOf(
  stored: WeightsFile,
  path: string,
  name: string | undefined,
  folder: string,
): Promise<{ model: Model; onnx: GivenOnnx }> {
  const { model, file } = namedNetwork(stored, path, name)
  if (stored.onnx && name === undefined)
    return { model, onnx: given(path, path, stored.onnx.file, stored.onnx.reading) }
  const written = join(folder, 'network.onnx')
  const { onnx } = await writeNetwork(written, { weights: file, model, onnx: file.onnx }, { sizes: false })
  return { model, onnx: given(written, `${path} as an ONNX model`, onnx!.file, {}) }
}

/** A quantized file of a network. Throws UserError where it takes other images. */
export function quantizedOf(path: string, { input }: GivenOnnx, reading: ImportOptions): GivenOnnx {
  const quantized = given(path, path, parseOnnx(readBytes(path), path, externalFiles(path)), reading)
  const [found, expected] = [quantized.input.image, input.image].map((image) => image.join(' x '))
  if (found !== expected)
    throw new UserError(`--int8: ${path} takes images of ${found}, expected the ${expected} of the network`)
  return quantized
}

/**
 * The batch sizes that are measured: those asked for, or else `usual`; of a file that is written for batches
 * of one size, that one. Throws UserError where a file does not take one that was asked for.
 */
export function batchesOf(
  asked: readonly number[] | undefined,
  files: readonly GivenOnnx[],
  usual: readonly number[],
): { sizes: readonly number[]; note?: string } {
  const fixed = files.find(({ input }) => input.batch !== undefined)
  if (!fixed) return { sizes: asked ?? usual }
  const { batch } = fixed.input
  const other = (asked ?? []).find((size) => size !== batch)
  if (other !== undefined)
    throw new UserError(
      `--batch: ${fixed.called} is for batches of ${batch}, found ${other}, which other runtimes refuse`,
    )
  const clash = files.find(({ input }) => input.batch !== undefined && input.batch !== batch)
  if (clash)
    throw new UserError(
      `--int8: ${clash.called} is for batches of ${clash.input.batch}, expected ${batch} as in ${fixed.called}`,
    )
  const sizes = [batch!]
  return asked ? { sizes } : { sizes, note: `${fixed.called} is for batches of ${batch}: no other size is measured` }
}
