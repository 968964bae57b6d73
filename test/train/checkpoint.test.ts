import { expect, it } from 'vitest'
import { encodeSafetensors, parseSafetensors, storeFloats, type TensorFile } from '../../src/formats/safetensors.ts'
import { prune } from '../../src/methods/prune.ts'
import { checkpointOf, loadCheckpoint, loadWeights, weightsOf } from '../../src/train/checkpoint.ts'
import { statedPreprocessing } from '../../src/train/preprocessing.ts'
import { train } from '../../src/train/train.ts'
import { UserError } from '../../src/util/errors.ts'
import { dataOf, smallNetwork, stateOf } from './small.ts'

const schedule = { kind: 'constant', base: 0.1 } as const
const trained = smallNetwork()
prune(trained, { sparsity: 0.5 })
await train(trained, { epochs: 1, optimizer: { momentum: 0.9 }, schedule })
const stored = (file: TensorFile) => parseSafetensors(encodeSafetensors(file), 'file')

it('a checkpoint brings back parameters, masks and momentum, to the bit', () => {
  const network = smallNetwork({ seed: 1 })
  loadCheckpoint(network, stored(checkpointOf(trained, {})), 'file')
  expect(stateOf(network)).toEqual(stateOf(trained))
  expect(stateOf(network)).not.toEqual(stateOf(smallNetwork()))
})

it('a file of weights is the parameters, with what makes them meaningful', () => {
  const { tensors, metadata } = stored(weightsOf(trained, { note: 'x' }))
  expect([...tensors.keys()]).toEqual(trained.parameters.map(({ name }) => name))
  expect(metadata).toEqual({ model: 'small', classes: '4', mean: '[0.5]', std: '[0.25]', note: 'x' })
  const network = smallNetwork({ seed: 1, batch: undefined })
  loadWeights(network, { tensors, metadata }, 'file')
  expect(network.evaluate('test')).toEqual(trained.evaluate('test'))
})

it('it says how images were resized and cropped, where they were', () => {
  const { metadata } = weightsOf(smallNetwork({ data: { ...dataOf(), geometry: { size: 8, crop: 5 } } }))
  expect(metadata).toMatchObject({ size: '8', crop: '5' })
  const stated = { normalization: { mean: [0.5], std: [0.25] }, geometry: { size: 8, crop: 5 } }
  expect(statedPreprocessing(metadata, 'file', 1)).toEqual(stated)
  expect(statedPreprocessing({ crop: '5' }, 'file', 1)).toEqual({ geometry: { size: undefined, crop: 5 } })
  expect(statedPreprocessing({ normalization: 'mean 0.5 std 0.25' }, 'file', 3)).toEqual({
    normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  })
  expect(statedPreprocessing({ mean: '0.5' }, 'file', 1)).toEqual({})
})

const damages: [string, (file: TensorFile) => void, string | RegExp][] = [
  [
    'a missing parameter',
    (f) => f.tensors.delete('fc2.weight'),
    /^file has no tensor fc2\.weight \(did you mean fc[13]\.weight\?\)$/,
  ],
  ['a missing mask', (f) => f.tensors.delete('fc2.weight.mask'), /^file has no tensor fc2\.weight\.mask/],
  ['missing momentum', (f) => f.tensors.delete('fc3.bias.momentum'), /^file has no tensor fc3\.bias\.momentum/],
  [
    'another shape of the same size',
    (f) => f.tensors.set('fc2.weight', storeFloats(new Float32Array(96), [12, 8])),
    'file: tensor fc2.weight has shape [12,8], the network expects [8,12]',
  ],
  [
    'a mask that is none',
    (f) => f.tensors.get('fc3.weight.mask')!.data.fill(2, 0, 1),
    'file: fc3.weight.mask holds 2, expected 0 or 1',
  ],
]
it.each(damages)('%s is refused, and the network stays as it was', (_, damage, message) => {
  const network = smallNetwork({ seed: 1 })
  const before = stateOf(network)
  const file = stored(checkpointOf(trained, {}))
  damage(file)
  expect(() => loadCheckpoint(network, file, 'file')).toThrow(UserError)
  expect(() => loadCheckpoint(network, file, 'file')).toThrow(message)
  expect(stateOf(network)).toEqual(before)
})
