import { expect, it } from 'vitest'
import { synthetic } from '../../../src/data/synthetic.ts'
import { layOut } from '../../../src/engine/lay-out.ts'
import { Encoder, isOnDevice, merged } from '../../../src/engine/webgpu/encode.ts'
import { findModel } from '../../../src/models/index.ts'
import { programsOf } from '../../../src/train/programs.ts'

const BATCH = 8

/** The kernel calls of a training step. */
function stepOf(name: string) {
  const model = findModel(name)
  const data = synthetic({ train: BATCH, test: 1, classes: model.classes, image: model.image })
  const { core } = programsOf({ model, data, batch: BATCH } as Parameters<typeof programsOf>[0], BATCH)
  return layOut(core).programs.get(`train/${BATCH}`)!.instructions
}

it.each(['lenet-300-100', 'resnet20', 'wrn-28', 'resnet18', 'densenet-40', 'mobilenet-v1'])(
  'every kernel of a step of %s is on the device',
  (name) => {
    const lacking = stepOf(name).filter((instruction) => !isOnDevice(instruction))
    expect(lacking.map(({ kernel }) => kernel.name)).toEqual([])
  },
)

it('a step of ResNet-20 has fewer than 150 dispatches: updates of all parameters are one', () => {
  const instructions = stepOf('resnet20')
  const calls = merged(instructions)
  expect(new Set(calls.flat().map(({ instruction }) => instruction))).toEqual(new Set(instructions))
  const of = (name: string) => calls.filter(([{ instruction }]) => instruction.kernel.name === name)
  expect(of('sgd').length).toBe(1)
  expect(of('running_average').length).toBe(1)
  expect(new Encoder().encode(instructions).dispatches.length).toBeLessThan(150)
})
