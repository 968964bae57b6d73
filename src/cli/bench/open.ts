/** @file Opens contenders: a network of a file on this engine or on ONNX Runtime. */

import { dirname, join } from 'node:path'
import { readCosts } from '../../calibrate/cost-file.ts'
import { openMachine } from '../../engine/machines/open.ts'
import { readWeights } from '../../formats/weights-file.ts'
import { sizeOf } from '../../graph/tensor.ts'
import { SparseModel } from '../../infer/sparse-model.ts'
import { UserError } from '../../util/errors.ts'
import { readBytes } from '../../util/files.ts'
import { optional } from '../../util/optional.ts'
import { random } from '../../util/random.ts'
import { type ContenderSpec, packageOf } from './contender.ts'

/** A network that is ready to be run on its batch, again and again. */
export interface Runner {
  description: string
  /** The share of zeros among prunable weights, where the engine counts them. */
  sparsity?: number
  /** The first output, row-major. */
  run(): Float32Array | Promise<Float32Array>
}

type Own = Extract<ContenderSpec, { runtime: 'espalier' }>
type Foreign = Exclude<ContenderSpec, Own>

/** Throws UserError where a package is not there, or the runtime does not take the network. */
export const openContender = (spec: ContenderSpec): Promise<Runner> =>
  spec.runtime === 'espalier' ? openOwn(spec) : openForeign(spec)

/** Images from N(0, 1), row-major [batch, channels, rows, columns], the same for all contenders. */
function imagesOf(batch: number, image: readonly number[]): Float32Array {
  const draw = random(0, 'bench')
  return Float32Array.from({ length: batch * sizeOf(image) }, () => draw.normal())
}

async function openOwn({ path, called, batch, threads, engine, model, costs: table, reading }: Own): Promise<Runner> {
  const machine = await openMachine({ engine, threads })
  const file = await readWeights(path, reading, () => {})
  const costs = table === undefined ? undefined : readCosts(table)
  const network = new SparseModel(file, { machine, model, costs, source: called })
  const images = imagesOf(batch, network.model.image)
  const description = `espalier ${machine.description}`
  return { description, sparsity: network.sparsity, run: () => network.run(images) }
}

async function openForeign({ runtime, path, called, beside, batch, threads, input }: Foreign): Promise<Runner> {
  const name = packageOf[runtime]
  const { default: ort } = await optional([name], `--against ${runtime}`, () =>
    runtime === 'onnxruntime' ? import('onnxruntime-node') : import('onnxruntime-web'),
  )
  const session = await refusedAs(called, name, () => {
    if (runtime === 'onnxruntime')
      return ort.InferenceSession.create(path, { intraOpNumThreads: threads, interOpNumThreads: 1 })
    ort.env.wasm.numThreads = threads
    const externalData = beside.map((name) => ({ path: name, data: readBytes(join(dirname(path), name)) }))
    return ort.InferenceSession.create(readBytes(path), { executionProviders: ['wasm'], externalData })
  })
  const images = new ort.Tensor('float32', asTaken(imagesOf(batch, input.image), input), [batch, ...input.sample])
  const version = ort.env.versions[runtime === 'onnxruntime' ? 'node' : 'web']
  const [output] = session.outputNames
  const run = async () => {
    const { [output]: y } = await session.run({ [session.inputNames[0]]: images }, [output])
    if (!(y.data instanceof Float32Array))
      throw new UserError(`${called}: its output ${output} is of the type ${y.type}, expected float32`)
    return y.data
  }
  await refusedAs(called, name, run)
  return { description: `${name} ${version}, ${threads} thread${threads > 1 ? 's' : ''}`, run }
}

/** Images [N, C, H, W] in the order that a file takes. */
function asTaken(images: Float32Array, { layout, image, sample }: Foreign['input']): Float32Array {
  if (layout === 'NCHW' || sample.length !== 3) return images
  const [channels, rows, columns] = image
  const plane = rows * columns
  return images.map((_, i) => {
    const [channel, pixel] = [i % channels, Math.floor(i / channels)]
    const [at, n] = [pixel % plane, Math.floor(pixel / plane)]
    return images[(n * channels + channel) * plane + at]
  })
}

/** Runs what a runtime does. Throws UserError with the first line of what it says. */
async function refusedAs<T>(called: string, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof UserError) throw error
    const [line] = (error as Error).message.split('\n')
    throw new UserError(`${called} does not run in ${name}: ${line}`)
  }
}
