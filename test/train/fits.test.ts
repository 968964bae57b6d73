import { expect, it } from 'vitest'
import { storeFloats, type TensorFile } from '../../src/formats/safetensors.ts'
import { checkFits } from '../../src/train/fits.ts'
import { UserError } from '../../src/util/errors.ts'
import { model } from './small.ts'

const zeros = (...shape: number[]) => storeFloats(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape)
const weights = (): TensorFile => ({
  tensors: new Map([
    ...[12, 8, 4].map((n, i) => [`fc${i + 1}.weight`, zeros(n, [25, 12, 8][i])] as const),
    ...[12, 8, 4].map((n, i) => [`fc${i + 1}.bias`, zeros(n)] as const),
  ]),
  metadata: {},
})

it('all tensors in their shapes fit, whatever belongs to them', () => {
  const file = weights()
  file.tensors.set('fc1.weight.mask', zeros(12, 25)).set('bn.num_batches_tracked', zeros())
  expect(() => checkFits(model, file, 'f')).not.toThrow()
})

it.each<[string, (tensors: TensorFile['tensors']) => unknown, string]>([
  [
    'a tensor that is missing',
    (tensors) => tensors.delete('fc2.weight'),
    'f has no tensor fc2.weight, expected shape [8,12] as small has it (did you mean fc1.weight?)',
  ],
  [
    'another shape',
    (tensors) => tensors.set('fc2.bias', zeros(9)),
    'f: tensor fc2.bias has shape [9], expected shape [8] as small has it',
  ],
  [
    'a layer that the network has not',
    (tensors) => tensors.set('fc4.weight', zeros(4, 4)),
    'f: tensor fc4.weight of shape [4,4] belongs to no layer of small',
  ],
])('%s does not', (_, change, message) => {
  const file = weights()
  change(file.tensors)
  expect(() => checkFits(model, file, 'f')).toThrow(UserError)
  expect(() => checkFits(model, file, 'f')).toThrow(message)
})
