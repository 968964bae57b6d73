import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toFloats } from '../../../src/formats/safetensors-bytes.ts'
import { isTorchFile, parseTorch } from '../../../src/formats/torch/torch.ts'
import { readWeights } from '../../../src/formats/weights-file.ts'
import { UserError } from '../../../src/util/errors.ts'
import { draws } from '../../support/breadth.ts'
import { wanted } from '../../support/needed.ts'
import {
  call,
  dict,
  entries,
  int,
  legacyCheckpoint,
  named,
  tensor,
  text,
  tuple,
  type Written,
  zipCheckpoint,
} from './write.ts'

const tensors: Record<string, Written> = {
  'fc.weight': { values: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] },
  'fc.bias': { values: Float32Array.of(-1, 0.5), shape: [2] },
}
const kinds = { zip: zipCheckpoint, legacy: legacyCheckpoint }
const view = [0x4e]

describe.each(Object.entries(kinds))('%s', (kind, write) => {
  const of = (tensors: Record<string, Written>) => entries(tensors, kind === 'legacy' ? view : [])
  const read = (object?: number[], all = tensors) => parseTorch(write(all, object), 'x.pth')

  it('reads tensors, row-major whatever their strides', () => {
    expect(isTorchFile(write(tensors))).toBe(true)
    const { tensors: found } = read()
    expect([...found.keys()]).toEqual(['fc.weight', 'fc.bias'])
    expect(found.get('fc.weight')).toMatchObject({ dtype: 'F32', shape: [2, 3] })
    expect([...toFloats(found.get('fc.weight')!)]).toEqual([1, 2, 3, 4, 5, 6])
    const values = Float32Array.of(9, 1, 2, 3, 4, 5, 6)
    const views = {
      a: { values, shape: [3, 2], strides: [1, 3], offset: 1 },
      b: { values, shape: [] as number[], offset: 4 },
    }
    const turned = read(undefined, views).tensors
    expect([...toFloats(turned.get('a')!)]).toEqual([1, 4, 2, 5, 3, 6])
    expect([...toFloats(turned.get('b')!)]).toEqual([4])
  })

  it('finds the state dict in what scripts save, without the names of wrappers', () => {
    const wrapped = { 'module.fc._layer.weight': tensors['fc.weight'], 'module.fc.bias': tensors['fc.bias'] }
    const optimizer = dict([['type', named('torch.optim.sgd', 'SGD')]])
    const object = dict([
      ['epoch', int(3)],
      ['optimizer', optimizer],
      ['state_dict', dict(of(wrapped))],
    ])
    expect([...read(object, wrapped).tensors.keys()]).toEqual(['fc.weight', 'fc.bias'])
  })

  it.each<[string, number[], RegExp]>([
    [
      'a name that runs code',
      call(named('os', 'system'), text('true')),
      /^x\.pth: expected a state dict, .* found no tensors by name in os\.system: save model\.state_dict\(\)$/,
    ],
    ['a name alone', dict([['x', named('builtins', 'eval')]]), /found no tensors by name in a dict/],
    [
      'no state dict',
      dict([['epoch', int(3)]]),
      /^x\.pth: expected a state dict, .* found no tensors by name in a dict/,
    ],
    ['no dict', tuple(int(1)), /expected a state dict/],
    [
      'a tensor beyond its storage',
      dict([['a', tensor({ values: Float32Array.of(1, 2), shape: [3] }, '0', kind === 'legacy' ? view : [])]]),
      /a tensor without a valid shape/,
    ],
    ['a call of a number', call(int(3)), /a call of something without a name/],
    ['an unknown instruction', [0xff], /the unknown instruction 0xff at byte/],
    ['nothing', [], /nothing where the instruction/],
  ])('refuses %s', (_, object, message) => {
    // The older format lists the storages, of which these use none.
    const refused = () => read(object, kind === 'legacy' ? {} : tensors)
    expect(refused).toThrow(UserError)
    expect(refused).toThrow(message)
  })

  it('whatever is changed in a file, it is read or refused in a sentence', () => {
    const valid = write({ ...tensors, deep: { values: new Float32Array(64).fill(1), shape: [4, 4, 4] } })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(valid.length),
        (changes, length) => {
          const bytes = Uint8Array.from(valid.subarray(0, length % 3 === 0 ? length : valid.length))
          for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
          try {
            parseTorch(bytes, 'x.pth')
          } catch (error) {
            expect(error).toBeInstanceOf(UserError)
            expect((error as Error).message).toMatch(/^x\.pth[^\n]+$/)
          }
        },
      ),
      draws(3000),
    )
  })
})

it('a compressed archive, one without its storages, and tensors that share without end are refused', () => {
  expect(() => parseTorch(zipCheckpoint(tensors, undefined, 6), 'x.pth')).toThrow(
    /is compressed, which torch\.save never does/,
  )
  expect(() => parseTorch(zipCheckpoint({}, dict(entries(tensors))), 'x.pth')).toThrow(/its storage 0 is missing/)
  const values = new Float32Array(4096)
  const many = Array.from({ length: 200 }, (_, i): [string, number[]] => [
    `t${i}`,
    tensor({ values, shape: [4096] }, '0'),
  ])
  expect(() => parseTorch(zipCheckpoint({ t: { values, shape: [4096] } }, dict(many)), 'x.pth')).toThrow(
    /at most 8 times its own length/,
  )
})

describe('the published checkpoints', () => {
  const path = (file: string) => fileURLToPath(new URL(`../../../../shared/data/checkpoints/${file}`, import.meta.url))
  const here = wanted('mnist_25_epoch_93.97.ckpt', existsSync(path('mnist_25_epoch_93.97.ckpt')), 'it is published')
  it.skipIf(!here).each([
    ['mnist_25_epoch_93.97.ckpt', 'mlpnet-mnist.safetensors'],
    ['resnet20_cifar10.pth.tar', 'resnet20-cifar10.safetensors'],
  ])('%s holds what %s holds', async (torch, safetensors) => {
    const [found, expected] = [(await readWeights(path(torch))).tensors, (await readWeights(path(safetensors))).tensors]
    expect(expected.size).toBeGreaterThan(2)
    for (const [name, { dtype, shape, data }] of expected) {
      expect(found.get(name), name).toMatchObject({ dtype, shape })
      expect(Buffer.from(found.get(name)!.data).equals(data), name).toBe(true)
    }
  })
})
