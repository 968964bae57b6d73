/**
 * @file ONNX Runtime Web beside this engine: loaded from where the pages lie, and only when it is asked for,
 * since it weighs 14 MB.
 */
import type * as Ort from 'onnxruntime-web'
import type { Run } from '../../src/figures/time.ts'
import type { OnnxFile } from '../../src/formats/onnx/file.ts'
import { elementsAs } from '../../src/formats/onnxruntime/elements.ts'
import { runtimeNetwork } from '../../src/formats/onnxruntime/sample-feeds.ts'
import { UserError } from '../../src/util/errors.ts'
import { sampleOf } from './timing.ts'

export interface RuntimeRun {
  run: Run
  version: string
  close(): Promise<void>
}

/** Where scripts/site-data.mjs puts it, beside the folder of scripts. */
const FOLDER = '../ort/'

let loading: Promise<typeof Ort> | undefined

function load(threads: number): Promise<typeof Ort> {
  const folder = new URL(/* @vite-ignore */ FOLDER, import.meta.url).href
  loading ??= import(/* @vite-ignore */ `${folder}ort.wasm.min.mjs`).then((ort: typeof Ort) => {
    ort.env.wasm.wasmPaths = folder
    ort.env.wasm.numThreads = threads
    return ort
  })
  return loading
}

/**
 * A model for runs of one sample, on as many threads as this engine has in the page. Throws UserError where
 * ONNX Runtime cannot be loaded or does not take it.
 */
export async function openInRuntime(file: OnnxFile, bytes: Uint8Array, threads: number): Promise<RuntimeRun> {
  const ort = await load(threads).catch((error) => {
    loading = undefined
    throw new UserError(`ONNX Runtime Web cannot be loaded: ${(error as Error).message}`)
  })
  const { batch, feeds, model } = runtimeNetwork(file, {})
  if (batch !== 1) throw new UserError(`${file.path} takes ${batch} samples at a time, expected 1`)
  try {
    const session = await ort.InferenceSession.create(bytes)
    const given: Record<string, Ort.Tensor> = {}
    for (const [name, { type, shape, values }] of feeds(sampleOf(model))) {
      const elements = elementsAs(type, values)
      if (!elements) throw new Error(`its input ${name} has the type ${type}`)
      given[name] = new ort.Tensor(elements.type, elements.data, shape)
    }
    return { run: () => session.run(given), version: ort.env.versions.web ?? '', close: () => session.release() }
  } catch (error) {
    throw new UserError(`ONNX Runtime Web does not take ${file.path}: ${(error as Error).message}`)
  }
}
