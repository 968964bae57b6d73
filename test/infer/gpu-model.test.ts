/** @file Networks on a device that is awaited, in Node; run by scripts/test-webgpu.mjs. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { readOnnx } from '../../src/formats/onnx/onnx.ts'
import type { TensorFile } from '../../src/formats/safetensors-bytes.ts'
import { GpuModel, type GpuModelOptions } from '../../src/infer/gpu-model.ts'
import { SparseModel } from '../../src/infer/sparse-model.ts'
import { random } from '../../src/util/random.ts'
import { modelBytes } from '../formats/onnx/models.ts'
import { wasm } from '../support/engines.ts'
import { wanted } from '../support/needed.ts'
import { prunedCase } from '../support/pruned-case.ts'

const isHere = wanted('WebGPU', Boolean(process.env.ESPALIER_WEBGPU), 'node scripts/test-webgpu.mjs')

/** Those of the package webgpu, which is kept as a global. */
async function adapters(): Promise<GPU> {
  const { create, globals } = await import('webgpu')
  const gpu = create([])
  Object.assign(globalThis, globals, { gpuOfModels: gpu })
  return gpu
}

/** Adapters whose devices are shown to `see` before anybody has them. */
function seen(gpu: GPU, see: (device: GPUDevice) => void): GPU {
  const requestAdapter = async () => {
    const adapter = await gpu.requestAdapter()
    const requestDevice = async (descriptor?: GPUDeviceDescriptor) => {
      const device = await adapter!.requestDevice(descriptor)
      see(device)
      return device
    }
    return { limits: adapter!.limits, info: adapter!.info, requestDevice }
  }
  return { requestAdapter } as unknown as GPU
}

/** Residual networks narrow: a software adapter takes its time. */
const file = (network: string): TensorFile => prunedCase(network, network.startsWith('resnet') ? 0.25 : undefined).file

async function opened(network: string, options: GpuModelOptions): Promise<GpuModel> {
  const model = await GpuModel.open(file(network), options)
  onTestFinished(() => model.close())
  return model
}

function imagesFor({ image }: { image: readonly number[] }, count: number): Float32Array {
  const rng = random(1, 'images')
  return Float32Array.from({ length: count * image.reduce((a, b) => a * b) }, () => rng.normal())
}

/** A software adapter takes its time, even more beside other work. */
describe.skipIf(!isHere)('on the device', { timeout: 120_000 }, () => {
  it.each([
    ['lenet-5', 'sparse', 3],
    ['resnet20', 'auto', 18],
  ] as const)('%s on %s kernels gives what WebAssembly gives', async (network, kernels, count) => {
    const model = await opened(network, { gpu: await adapters(), kernels })
    const expected = new SparseModel(file(network), { machine: wasm, kernels })
    const images = imagesFor(model.model, count)
    // Two at once, which follow one another; of ResNet-20 in two chunks.
    const [found, again] = await Promise.all([model.run(images), model.run(images)])
    expect(again).toEqual(found)
    const want = expected.run(images)
    const size = Math.max(...want.map(Math.abs))
    expect(found.length).toBe(want.length)
    for (const [i, logit] of found.entries()) expect(Math.abs(logit - want[i])).toBeLessThan(1e-5 * size)
    expect(model.description).toMatch(/^webgpu \(.+\)$/)
  })

  it('says in a sentence what is wrong', async () => {
    const gpu = await adapters()
    const model = await opened('lenet-5', { gpu })
    await expect(model.run([1, 2])).rejects.toThrow('expected images of 1 x 28 x 28 values each, found 2 values')
    expect((await model.run(imagesFor(model.model, 1))).length).toBe(10)
    const first = model.run(imagesFor(model.model, 1))
    model.close()
    await expect(model.run(imagesFor(model.model, 1))).rejects.toThrow('this model is closed')
    await first.catch(({ message }) => expect(message).toMatch(/^this model is closed$|^WebGPU: the device was lost/))
  })

  it('kernels that WebGPU lacks run on a processor', async () => {
    const stored = (shape: number[]) => ({ shape, values: [...imagesFor({ image: shape }, 1)] })
    const waves = modelBytes({
      inputs: { x: ['n', 3, 4, 4] },
      stored: { w: stored([6, 3, 3, 3]), v: stored([5, 6]) },
      steps: [
        { op: 'Conv', in: ['x', 'w'], out: 'a' },
        { op: 'Sin', in: ['a'], out: 'b' },
        { op: 'GlobalAveragePool', in: ['b'], out: 'c' },
        { op: 'Cos', in: ['c'], out: 'd' },
        { op: 'Flatten', in: ['d'], out: 'e' },
        { op: 'Gemm', in: ['e', 'v'], out: 'y', with: { transB: 1 } },
      ],
      outputs: ['y'],
    })
    const read = readOnnx(waves, 'waves.onnx')
    const gpu = await adapters()
    const [alone, helped] = [await GpuModel.open(read, { gpu }), await GpuModel.open(read, { gpu, processor: wasm })]
    const images = imagesFor(alone.model, 7)
    await expect(alone.run(images)).rejects.toThrow('lacks kernels of this network (unary): expected a processor')
    const found = await helped.run(images)
    const want = new SparseModel(read, { machine: wasm }).run(images)
    for (const [i, logit] of found.entries()) expect(logit).toBeCloseTo(want[i], 5)
    for (const model of [alone, helped]) model.close()
  })

  it('a device that is lost is no device any more', async () => {
    let device: GPUDevice | undefined
    const model = await opened('lenet-5', { gpu: seen(await adapters(), (one) => (device = one)) })
    const images = imagesFor(model.model, 2)
    await model.run(images)
    const running = model.run(images)
    device!.destroy()
    await expect(running).rejects.toThrow(/^WebGPU: the device was lost: .*\S$/)
    await expect(model.run(images)).rejects.toThrow(/^WebGPU: the device was lost: .*\S$/)
  })

  it('what is written into the images after a call is of no run before', async () => {
    const model = await opened('lenet-5', { gpu: await adapters() })
    const images = imagesFor(model.model, 2)
    const expected = await model.run(images)
    const result = model.run(images)
    images.fill(0)
    expect(await result).toEqual(expected)
  })

  it('an arena that the adapter does not take is refused', async () => {
    const limits = { maxBufferSize: 4096, maxStorageBufferBindingSize: 4096, maxStorageBuffersPerShaderStage: 8 }
    const small = (device: GPUDevice) => Object.defineProperty(device, 'limits', { value: limits })
    const model = await opened('lenet-5', { gpu: seen(await adapters(), small) })
    await expect(model.run(imagesFor(model.model, 1))).rejects.toThrow(
      /^the programs need \d\S* GB, and this adapter takes at most \S+ GB: expected smaller batches$/,
    )
  })
})

it('what is not there is named', async () => {
  const none = { requestAdapter: async () => null } as unknown as GPU
  await expect(GpuModel.open(file('lenet-5'), { gpu: none })).rejects.toThrow('WebGPU: no adapter was found')
  await expect(GpuModel.open(file('lenet-5'))).rejects.toThrow('WebGPU: there is none: expected a browser')
  const other = {} as GPU
  await expect(GpuModel.open(file('lenet-5'), { gpu: other })).rejects.toThrow('gpu: expected navigator.gpu, or what')
  await expect(GpuModel.open({ tensors: new Map(), metadata: {} })).rejects.toThrow('does not say what network it')
})
