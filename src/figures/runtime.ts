/** @file Runs of an ONNX model in ONNX Runtime, to be timed. */
import type { OnnxFile } from '../formats/onnx/file.ts'
import type { ImportOptions } from '../formats/onnx/input.ts'
import { runtimeNetwork } from '../formats/onnxruntime/sample-feeds.ts'
import { RuntimeSession } from '../formats/onnxruntime/session.ts'
import { sizeOf } from '../graph/tensor.ts'
import { noise, type Run } from './time.ts'

/** What ONNX Runtime is given: the path of a file, or the bytes of a model. */
export interface RuntimeSource {
  file: OnnxFile
  reading: ImportOptions
  model: string | Uint8Array
}

/** A model that is ready to be run. */
export interface RuntimeRuns {
  run: Run
  /** Samples in a run. */
  batch: number
  version: string
  close(): Promise<void>
}

/**
 * Opens a model for runs of one sample, or of as many as its file is written for, on so many threads
 * (undefined: as many as ONNX Runtime finds good). Throws UserError where ONNX Runtime does not take it.
 */
export async function openInRuntime(
  { file, reading, model }: RuntimeSource,
  threads: number | undefined,
  purpose: string,
): Promise<RuntimeRuns> {
  const { batch, feeds, model: described } = runtimeNetwork(file, reading)
  const session = await RuntimeSession.open(model, { path: file.path, purpose, threads })
  const run = session.repeated(feeds(samplesOf(described, batch)))
  return { run, batch, version: session.version, close: () => session.close() }
}

/** Samples from N(0, 1); whole numbers, such as places of words, are zero. */
function samplesOf({ image, inputs = [] }: ReturnType<typeof runtimeNetwork>['model'], batch: number): Float32Array {
  const values = noise(batch * sizeOf(image))
  return inputs.some(({ whole }) => whole) ? values.fill(0) : values
}
