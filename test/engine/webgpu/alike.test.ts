/** @file What a device finds in a pattern: rows that are alike. Run by scripts/test-webgpu.mjs. */
import { describe, expect, it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { sparseConv } from '../../../src/engine/kernels/sparse.ts'
import { Encoder } from '../../../src/engine/webgpu/encode.ts'
import { PADDING } from '../../../src/engine/webgpu/shader.ts'
import { wanted } from '../../support/needed.ts'
import { patternOf } from '../../support/sparse-weights.ts'

const isHere = wanted('WebGPU', Boolean(process.env.ESPALIER_WEBGPU), 'node scripts/test-webgpu.mjs')

/** What the first dispatch of a linear layer with these places of each output leaves in the scratch. */
async function found(places: number[][]): Promise<number[]> {
  const { create, globals } = await import('webgpu')
  const gpu = create([])
  // A global one is kept: the device is not safe without it.
  Object.assign(globalThis, globals, { alikeGpu: gpu })
  const inputs = 100
  const positions = places.flatMap((list, out) => list.map((place) => out * inputs + place))
  const { starts, places: all } = patternOf([places.length, inputs], Int32Array.from(positions))
  const at = { starts: 0, places: starts.length, values: starts.length, x: 0, y: 0, bias: 0, residual: 0 }
  const sizes = { batch: 1, groups: 1, in: inputs, out: places.length, h: 1, w: 1, oh: 1, ow: 1, kh: 1, kw: 1 }
  const steps = { sy: 1, sx: 1, dy: 1, dx: 1, top: 0, left: 0 }
  const ends = { capacity: positions.length, hasBias: 0, relu: 0, hasResidual: 0 }
  const instruction = call(sparseConv, { ...sizes, ...steps, ...at, ...ends })
  const { modules, dispatches, words, scratch } = new Encoder().encode([instruction], { parts: 1, shift: 28 })
  const device = await (await gpu.requestAdapter())!.requestDevice()
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC
  const buffer = (list: ArrayLike<number>, more = 0) => {
    const made = device.createBuffer({ size: 4 * (list.length + more), usage })
    device.queue.writeBuffer(made, 0, Uint32Array.from(list))
    return made
  }
  const kept = buffer(new Uint32Array(scratch))
  const memory = buffer([...starts, ...all], PADDING)
  const module = device.createShaderModule({ code: modules[0].code })
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } })
  const used = [buffer(words), kept, memory].map((one, binding) => ({ binding, resource: { buffer: one } }))
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: used }))
  pass.dispatchWorkgroups(...dispatches[0].groups)
  pass.end()
  const staging = device.createBuffer({ size: 4 * scratch, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  encoder.copyBufferToBuffer(kept, 0, staging, 0, 4 * scratch)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(GPUMapMode.READ)
  const sizesFound = [...new Uint32Array(staging.getMappedRange().slice(0))]
  device.destroy()
  return sizesFound
}

describe.skipIf(!isHere)('on the device', () => {
  it('for every four rows, whether eight, four or none of them are alike', async () => {
    const long = Array.from({ length: 90 }, (_, place) => place)
    const moved = long.with(-1, 99)
    const times = (count: number, list: number[]) => Array.from({ length: count }, () => list)
    expect(await found([...times(8, long), ...times(4, long), ...times(4, moved)])).toEqual([8, 8, 4, 4])
    expect(await found([...times(7, long), moved, [], [], [], [], ...times(3, [])])).toEqual([4, 1, 4, 1])
    expect(await found([long.slice(1), ...times(7, long), ...times(5, [7])])).toEqual([1, 4, 4, 1])
  })
})
