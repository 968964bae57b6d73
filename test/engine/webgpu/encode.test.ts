import { expect, it } from 'vitest'
import { call } from '../../../src/engine/kernel.ts'
import { sgd } from '../../../src/engine/kernels/optimizer.ts'
import { layOut } from '../../../src/engine/lay-out.ts'
import { Encoder, isOnDevice, merged } from '../../../src/engine/webgpu/encode.ts'
import { CALL_WORDS } from '../../../src/engine/webgpu/shared.js'
import { findModel } from '../../../src/models/index.ts'
import { programsOf } from '../../../src/train/programs.ts'

const BATCH = 8

/** The kernel calls of a training step. */
function stepOf(name: string) {
  const model = findModel(name)
  const samples = { count: BATCH, images: new Uint8Array(0), labels: new Uint8Array(BATCH) }
  const ofChannels = Array.from({ length: model.image[0] }, () => 0.5)
  const { classes, image } = model
  const data = { name, classes, image, mean: ofChannels, std: ofChannels, train: samples, test: samples }
  const { core } = programsOf({ model, data, batch: BATCH }, BATCH)
  return layOut(core).programs.get(`train/${BATCH}`)!.instructions
}

it.each(['lenet-300-100', 'resnet20', 'wrn-28', 'resnet18', 'densenet-40', 'mobilenet-v1'])(
  'every kernel of a step of %s is on the device',
  (name) => {
    const lacking = stepOf(name).filter((instruction) => !isOnDevice(instruction))
    expect(lacking.map(({ kernel }) => kernel.name)).toEqual([])
  },
)

it('no dispatch has more calls than a device binds', () => {
  const size = 8
  const instructions = Array.from({ length: 5000 }, (_, i) =>
    call(sgd, { n: 2, w: i * size, g: i * size + 2, v: i * size + 4, mask: 0, masked: 0, hyper: 5000 * size }),
  )
  const encoder = new Encoder()
  const { dispatches } = encoder.encode(instructions, { parts: 1, shift: 28 })
  expect(dispatches.length).toBe(3)
  expect(dispatches.reduce((sum, { groups }) => sum + groups[2], 0)).toBe(5000)
  const words = sgd.parameters.length + 1
  for (const { groups } of dispatches) expect(groups[2] * words).toBeLessThanOrEqual(CALL_WORDS)
})

it('a step of ResNet-20 has fewer than 150 dispatches: updates of all parameters are one', () => {
  const instructions = stepOf('resnet20')
  const calls = merged(instructions)
  expect(new Set(calls.flat().map(({ instruction }) => instruction))).toEqual(new Set(instructions))
  const of = (name: string) => calls.filter(([{ instruction }]) => instruction.kernel.name === name)
  expect(of('sgd').length).toBe(1)
  expect(of('running_average').length).toBe(1)
  expect(new Encoder().encode(instructions, { parts: 1, shift: 28 }).dispatches.length).toBeLessThan(150)
})
